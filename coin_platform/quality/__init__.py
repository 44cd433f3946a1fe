"""What is known of the data's quality: its account, its revisions, and what is usual of it.

Pure functions on frames and Arrow tables: nothing here knows Dagster, an engine, reads or writes.
What a row must look like is `contracts/`'s.
"""
