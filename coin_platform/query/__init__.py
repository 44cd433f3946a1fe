"""SQL over the lake: the served tables, in a DuckDB that reaches nothing else.

`session.py` runs one statement over the tables as they stand, `statements.py` says which it may be,
`texts.py` how values are written for people and programs, `formats.py` writes results as CSV, JSON
and Parquet, `screen.py` as a table to look at, `catalogue.py` tells what there is to ask.
Nothing here knows a command line; the shell is in `cli/`.
"""
