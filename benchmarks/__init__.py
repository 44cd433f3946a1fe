"""Side-by-side runs of the platform against peers and limits: `python -m benchmarks`.

    __main__.py      the command: which works, how many rounds, what sizes
    work.py          what a work is: its contenders, and the goals set for ours
    race.py          the contenders in turn, each in a process of its own; results compared first
    contender.py     that process: sets up, does the work once under the clock, tells what came out
    report.py        ratios, and docs/benchmarks.md
    data.py          the made-up market that they all work on
    raw_log.py       that market in raw's files; server.py: in PostgreSQL; home.py, past.py: homes
    tables.py        what tables hold, in few words, to be compared
    duck.py, jvm.py  peers that several works share; curated_sql.py: the curated tables for DuckDB
    works/           a module for each work

Not shipped and not imported by the platform.
"""
