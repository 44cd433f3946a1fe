"""The curated tables as DuckDB's SQL, one query a table over a few tables in memory."""

from collections.abc import Iterator

from coin_platform.transforms.curated import FEWEST_RETURNS, MOVER_VOLUME, PLACES, RETURNS


def views(quotes: str, coins: str) -> Iterator[str]:
    """Statements that make what the queries read; `quotes` and `coins` are FROM clauses."""
    yield f"CREATE VIEW quotes AS SELECT * FROM {quotes}"
    yield f"""
        CREATE TEMP TABLE spans AS
        SELECT coin_id, name, symbol,
               CASE WHEN lag(valid_from) OVER w IS NOT NULL THEN valid_from END AS held_from,
               lead(valid_from) OVER w AS held_to
        FROM {coins} WINDOW w AS (PARTITION BY coin_id ORDER BY valid_from)
    """
    yield """
        CREATE TEMP TABLE candles AS
        SELECT CAST(date_trunc('day', snapshot_hour) AS DATE) AS day, coin_id, currency,
               arg_min(price, snapshot_hour) AS open, max(price) AS high, min(price) AS low,
               arg_max(price, snapshot_hour) AS close,
               arg_max_null(CASE WHEN isfinite(market_cap) THEN market_cap END, snapshot_hour)
                   AS market_cap,
               avg(volume_24h) FILTER (isfinite(volume_24h)) AS average_volume_24h,
               CAST(count(*) AS INTEGER) AS hours, max(source) AS source,
               max(snapshot_hour) AS closed
        FROM quotes WHERE isfinite(price) GROUP BY ALL
    """
    yield f"""
        CREATE TEMP TABLE prices AS
        WITH returns AS (
            SELECT day, coin_id, currency,
                   CASE WHEN day - lag(day) OVER w = 1 AND lag(close) OVER w > 0 AND close > 0
                        THEN ln(close) - ln(lag(close) OVER w) END AS daily
            FROM candles WINDOW w AS (PARTITION BY coin_id, currency ORDER BY day)
        ), volatile AS (
            SELECT day, coin_id, currency,
                   CASE WHEN count(daily) OVER w >= {FEWEST_RETURNS}
                        THEN stddev_samp(daily) OVER w END AS volatility_7d
            FROM returns
            WINDOW w AS (
                PARTITION BY coin_id, currency ORDER BY day
                RANGE BETWEEN INTERVAL {RETURNS - 1} DAY PRECEDING AND CURRENT ROW
            )
        ), closing AS (
            SELECT day, currency, max(closed) AS last FROM candles GROUP BY ALL
        ), known AS (
            SELECT c.*, CASE WHEN closed = last THEN market_cap END AS cap
            FROM candles c JOIN closing USING (day, currency)
        ), totals AS (
            SELECT day, currency, sum(cap) AS total FROM known GROUP BY ALL
        )
        SELECT k.*, k.cap / nullif(t.total, 0) * 100 AS dominance, v.volatility_7d, s.name, s.symbol
        FROM known k JOIN totals t USING (day, currency)
        LEFT JOIN volatile v USING (day, coin_id, currency)
        LEFT JOIN spans s ON {held("k")}
    """


def held(rows: str) -> str:
    """Which version of its coin's names a row with a day has: the one as the day ended."""
    end = f"CAST({rows}.day + INTERVAL 1 DAY AS TIMESTAMPTZ)"
    return (
        f"s.coin_id = {rows}.coin_id AND (s.held_from IS NULL OR s.held_from < {end}) "
        f"AND (s.held_to IS NULL OR s.held_to >= {end})"
    )


def ranked(group: str, order: str) -> str:
    """The place of a row in its group, ties to the smaller coin id."""
    return f"CAST(row_number() OVER (PARTITION BY {group} ORDER BY {order}, coin_id) AS INTEGER)"


QUERIES = {
    "daily_coin_prices": "SELECT * FROM prices",
    "market_overview": f"""
        WITH totals AS (
            SELECT snapshot_hour, currency,
                   sum(market_cap) FILTER (isfinite(market_cap)) AS total_market_cap,
                   sum(volume_24h) FILTER (isfinite(volume_24h)) AS total_volume_24h,
                   CAST(count(*) AS INTEGER) AS coins, max(source) AS source
            FROM quotes GROUP BY ALL
        ), leaders AS (
            SELECT snapshot_hour, currency, coin_id, market_cap,
                   {ranked("snapshot_hour, currency", "market_cap DESC")} AS rank
            FROM quotes WHERE isfinite(market_cap) QUALIFY rank <= 2
        ), pairs AS (
            SELECT snapshot_hour, currency,
                   max(coin_id) FILTER (rank = 1) AS largest_coin_id,
                   max(market_cap) FILTER (rank = 1) AS largest_market_cap,
                   max(coin_id) FILTER (rank = 2) AS second_coin_id,
                   max(market_cap) FILTER (rank = 2) AS second_market_cap
            FROM leaders GROUP BY ALL
        )
        SELECT *, largest_market_cap / nullif(total_market_cap, 0) * 100 AS largest_dominance,
               second_market_cap / nullif(total_market_cap, 0) * 100 AS second_dominance
        FROM totals LEFT JOIN pairs USING (snapshot_hour, currency)
    """,
    "daily_top_movers": f"""
        WITH moved AS (
            SELECT *, (close / nullif(open, 0) - 1) * 100 AS change,
                   CASE WHEN change > 0 THEN 'up' ELSE 'down' END AS direction
            FROM prices WHERE average_volume_24h >= {MOVER_VOLUME} AND open > 0
        )
        SELECT *, {ranked("day, currency, direction", "abs(change) DESC")} AS rank
        FROM moved WHERE isfinite(change) AND change <> 0 QUALIFY rank <= {PLACES}
    """,
    "top_circulating_supply": f"""
        WITH closing AS (
            SELECT CAST(date_trunc('day', snapshot_hour) AS DATE) AS day, coin_id, currency,
                   arg_max_null(circulating_supply, snapshot_hour) AS circulating_supply,
                   arg_max_null(source, snapshot_hour) AS source
            FROM quotes GROUP BY ALL
        ), ten AS (
            SELECT *, {ranked("day, currency", "circulating_supply DESC")} AS rank
            FROM closing WHERE isfinite(circulating_supply) AND circulating_supply > 0
            QUALIFY rank <= {PLACES}
        )
        SELECT ten.*, s.name, s.symbol FROM ten LEFT JOIN spans s ON {held("ten")}
    """,
    "top_prices": f"""
        SELECT *, close AS price, {ranked("day, currency", "close DESC")} AS rank
        FROM prices QUALIFY rank <= {PLACES}
    """,
}
