"""From PostgreSQL to the change log in the lake."""
