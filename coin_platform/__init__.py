"""Hourly coin quotes from the API to curated tables, as Dagster assets.

    source/coinmarketcap            the vendor's API, a capture, or the simulated market
            │  requests             resources/coinmarketcap, simulator
            ▼
    database/coins                  PostgreSQL, schema `market`: one transaction an hour
    database/coin_quotes            resources/database
            │  logical decoding     resources/replication: a task as AWS DMS runs it
            ▼
    raw/coins                       change log: LOAD and CDC files, as DMS writes them
    raw/coin_quotes                 delivery.py waits until every row has arrived
            │  PySpark              transforms, run by resources/engine
            ▼
    processed/coin_quotes           Delta tables: the latest version of each quote,
    processed/coins                 the history of each coin
            │  PySpark              hours above, days below
            ▼
    curated/…                       Delta tables: candles, overview, movers, rankings
            │                       resources/lake/served.py: processed and curated, never raw
            ▼
    serving/market_site             the market page, static, published whole or held: site
    serving/daily_exports           CSV and Parquet of a day: exports.py
                                    and SQL (query) and notebooks (notebook.py) read what is served

`contracts` says what each table must look like, `defs` makes the above Dagster assets with checks
and automation, `definitions.py` binds them to the resources of a deployment, `running` and `cli`
are the command line. `settings.py` is the only reader of the environment. On AWS
the resources are RDS, DMS, S3 and EMR, from the account that `infrastructure` describes.
"""
