"""A module for each work, with its `WORK`; its name is what the command calls it."""
