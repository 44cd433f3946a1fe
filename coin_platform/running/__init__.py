"""One `coin-platform run`: which hours and days it owes, doing them, and telling what was done."""
