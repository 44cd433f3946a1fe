"""From raw to processed to curated, in plain PySpark that Sail, JVM Spark and EMR all run.

A module for each subject holds pure `DataFrame → DataFrame` functions; `jobs.py` reads, applies
them and writes, and `measure.py` counts what checks judge. No sparkContext, RDD, UDF, `DeltaTable`
or Dagster. Import these modules only where a job runs: they import pyspark.
"""
