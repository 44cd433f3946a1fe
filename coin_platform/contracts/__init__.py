"""What each table must look like, declared once.

DDL, Spark and Arrow schemas, Dagster's column metadata, the checks and the data dictionary are
all made from here. A module for each layer; `model.py` holds the vocabulary, `render.py` the
renderings.
"""
