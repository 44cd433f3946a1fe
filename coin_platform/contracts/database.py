"""Schema `market` of PostgreSQL: what is known of each coin, and what it was worth.

Identity, time, price and what curated is made of stop the platform when they drift; so does any
column that does not say otherwise. The rest follows or is left out.
"""

from coin_platform.contracts.model import Column, Drift, Table, Type

SCHEMA = "market"

CURRENCY = Column(
    "currency", Type.TEXT, "Currency that prices and capitalizations are given in.", nullable=False
)
COIN_ID = Column(
    "coin_id",
    Type.BIGINT,
    "CoinMarketCap's id; the only identity a coin has.",
    nullable=False,
    minimum=1,
)
SNAPSHOT_HOUR = Column(
    "snapshot_hour",
    Type.TIMESTAMP,
    "Start of the hour whose closing market the row shows.",
    nullable=False,
)
SOURCE = Column(
    "source",
    Type.TEXT,
    "Who said so: the vendor, or the simulated market.",
    nullable=False,
    values=("coinmarketcap", "simulated"),
)
LOADED_AT = Column(
    "loaded_at",
    Type.TIMESTAMP,
    "Start of the transaction that last changed the row.",
    nullable=False,
)

COIN_ATTRIBUTES = (
    Column("name", Type.TEXT, "Name, verbatim. Not unique."),
    Column("symbol", Type.TEXT, "Ticker symbol, verbatim. Not unique."),
    Column("slug", Type.TEXT, "Name in the vendor's web addresses."),
    Column(
        "date_added",
        Type.TIMESTAMP,
        "When the vendor first listed the coin.",
        drift=Drift.EVOLVE,
    ),
    Column(
        "max_supply",
        Type.DOUBLE,
        "Largest supply there can ever be; null: no known cap.",
        unit="coins",
        minimum=0,
        drift=Drift.EVOLVE,
    ),
    Column(
        "infinite_supply",
        Type.BOOLEAN,
        "Whether supply is known to have no cap.",
        drift=Drift.EVOLVE,
    ),
    Column(
        "platform_id",
        Type.BIGINT,
        "Coin id of the chain a token lives on; null for a chain's own coin.",
        minimum=1,
        drift=Drift.EVOLVE,
    ),
    Column("platform_name", Type.TEXT, "Name of that chain.", drift=Drift.EVOLVE),
    Column(
        "platform_token_address",
        Type.TEXT,
        "The token's address on that chain.",
        drift=Drift.EVOLVE,
    ),
    Column(
        "tags",
        Type.TEXT,
        "The vendor's tag slugs in its order, joined by commas.",
        drift=Drift.IGNORE,
    ),
)

COINS = Table(
    layer="database",
    name="coins",
    description=(
        "What is known of each coin, from the newest hour that showed it. "
        "A row is written only when something changed."
    ),
    key=("coin_id",),
    time_column="snapshot_hour",
    columns=(
        COIN_ID,
        *COIN_ATTRIBUTES,
        Column(
            "snapshot_hour",
            Type.TIMESTAMP,
            "Hour of the snapshot that brought the row to its present state.",
            nullable=False,
        ),
        SOURCE,
        LOADED_AT,
    ),
)

PERCENT_CHANGES = tuple(
    Column(
        f"percent_change_{span}",
        Type.DOUBLE,
        f"Change of the price over {words}.",
        unit="percent",
        drift=Drift.EVOLVE,
    )
    for span, words in (
        ("1h", "one hour"),
        ("24h", "24 hours"),
        ("7d", "7 days"),
        ("30d", "30 days"),
        ("60d", "60 days"),
        ("90d", "90 days"),
    )
)

COIN_QUOTES = Table(
    layer="database",
    name="coin_quotes",
    description="What each coin was worth as each hour closed.",
    # The hour leads, so that loading an hour appends to the index and reading one is a range scan.
    key=("snapshot_hour", "coin_id", "currency"),
    time_column="snapshot_hour",
    columns=(
        SNAPSHOT_HOUR,
        COIN_ID,
        CURRENCY,
        Column("last_updated", Type.TIMESTAMP, "When the vendor computed the quote."),
        Column(
            "cmc_rank",
            Type.INTEGER,
            "The vendor's rank by market cap; null for past hours and unranked coins.",
            minimum=1,
            drift=Drift.EVOLVE,
        ),
        Column(
            "num_market_pairs",
            Type.INTEGER,
            "Markets that trade the coin.",
            minimum=0,
            drift=Drift.IGNORE,
        ),
        Column(
            "circulating_supply",
            Type.DOUBLE,
            "Coins in circulation; 0: unknown.",
            unit="coins",
            minimum=0,
        ),
        Column(
            "total_supply",
            Type.DOUBLE,
            "Coins created less coins burned; 0: unknown.",
            unit="coins",
            minimum=0,
            drift=Drift.EVOLVE,
        ),
        Column("price", Type.DOUBLE, "Price of one coin.", unit="currency", minimum=0),
        Column(
            "volume_24h", Type.DOUBLE, "Traded over the last 24 hours.", unit="currency", minimum=0
        ),
        Column(
            "volume_change_24h",
            Type.DOUBLE,
            "Change of that volume over 24 hours.",
            unit="percent",
            drift=Drift.IGNORE,
        ),
        *PERCENT_CHANGES,
        Column(
            "market_cap",
            Type.DOUBLE,
            "Price times circulating supply, as the vendor computes it.",
            unit="currency",
            minimum=0,
        ),
        Column(
            "market_cap_dominance",
            Type.DOUBLE,
            "Share of the whole market's cap.",
            unit="percent",
            minimum=0,
            maximum=100,
            drift=Drift.IGNORE,
        ),
        Column(
            "fully_diluted_market_cap",
            Type.DOUBLE,
            "Price times the largest supply.",
            unit="currency",
            minimum=0,
            drift=Drift.EVOLVE,
        ),
        SOURCE,
        LOADED_AT,
    ),
)

# Only a listing carries these. The historical endpoint's nulls mean "not told", and keep what a
# listing told of the same hour.
LISTING_ONLY = (
    "cmc_rank",
    "num_market_pairs",
    "volume_change_24h",
    "percent_change_60d",
    "percent_change_90d",
    "market_cap_dominance",
    "fully_diluted_market_cap",
)

TABLES = (COINS, COIN_QUOTES)
