"""The data flow as Dagster assets, top to bottom: a folder a layer, each with assets and checks.

Assets are thin: they ask interfaces, never which deployment they run in. `tables.py` makes asset
specs from contracts, `checks.py` makes checks, `transforms.py` runs jobs, `automation.py` and
`conditions.py` say what happens by itself.
"""
