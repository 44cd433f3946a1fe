"""The curated layer: what the business asks for, by day."""

from dataclasses import replace

from coin_platform.contracts.database import COIN_ID, CURRENCY, SNAPSHOT_HOUR, SOURCE
from coin_platform.contracts.model import Column, Table, Type, required
from coin_platform.contracts.processed import COIN_QUOTES, COINS, RUN_ID

DAY = Column("day", Type.DATE, "UTC day.", nullable=False)
NAME, SYMBOL = (
    replace(
        COINS.column(name), nullable=True, description=f"{words} as the day ended; null if unknown."
    )
    for name, words in (("name", "Name"), ("symbol", "Symbol"))
)
RANK = Column(
    "rank",
    Type.INTEGER,
    "Place in the ranking; 1 is the first.",
    nullable=False,
    minimum=1,
    maximum=10,
)
PRICE = required(COIN_QUOTES.column("price"))


def price(name: str, description: str) -> Column:
    return replace(PRICE, name=name, description=description)


DAILY_COIN_PRICES = Table(
    layer="curated",
    name="daily_coin_prices",
    description="Daily candles: how each coin opened, moved and closed, by the day's known hours.",
    key=("day", "coin_id", "currency"),
    time_column="day",
    columns=(
        DAY,
        COIN_ID,
        CURRENCY,
        NAME,
        SYMBOL,
        price("open", "Price as the day's first hour closed."),
        price("high", "Highest hourly closing price."),
        price("low", "Lowest hourly closing price."),
        price("close", "Price as the day's last known hour closed."),
        Column(
            "average_volume_24h",
            Type.DOUBLE,
            "Mean over the hours of the rolling 24-hour volume.",
            unit="currency",
            minimum=0,
        ),
        Column(
            "market_cap", Type.DOUBLE, "Market cap as the day closed.", unit="currency", minimum=0
        ),
        Column(
            "dominance",
            Type.DOUBLE,
            "Share of the day's closing cap of all coins known then.",
            unit="percent",
            minimum=0,
            maximum=100,
        ),
        Column(
            "volatility_7d",
            Type.DOUBLE,
            "Sample standard deviation of the last 7 daily log returns; null with fewer than 3.",
            minimum=0,
        ),
        Column(
            "hours",
            Type.INTEGER,
            "Hours of the day behind the row.",
            nullable=False,
            minimum=1,
            maximum=24,
        ),
        SOURCE,
    ),
)

MARKET_OVERVIEW = Table(
    layer="curated",
    name="market_overview",
    description="The whole market as each hour closed.",
    key=("snapshot_hour", "currency"),
    time_column="snapshot_hour",
    columns=(
        SNAPSHOT_HOUR,
        CURRENCY,
        Column("total_market_cap", Type.DOUBLE, "Sum of market caps.", unit="currency", minimum=0),
        Column(
            "total_volume_24h", Type.DOUBLE, "Sum of 24-hour volumes.", unit="currency", minimum=0
        ),
        Column("largest_coin_id", Type.BIGINT, "Coin of the largest market cap.", minimum=1),
        Column(
            "largest_dominance",
            Type.DOUBLE,
            "Its share of the total.",
            unit="percent",
            minimum=0,
            maximum=100,
        ),
        Column("second_coin_id", Type.BIGINT, "Coin of the second largest market cap.", minimum=1),
        Column(
            "second_dominance",
            Type.DOUBLE,
            "Its share of the total.",
            unit="percent",
            minimum=0,
            maximum=100,
        ),
        Column("coins", Type.INTEGER, "Coins counted.", nullable=False, minimum=1),
        SOURCE,
    ),
)

DAILY_TOP_MOVERS = Table(
    layer="curated",
    name="daily_top_movers",
    description=(
        "The ten largest rises and falls of a day, opening to closing price, among coins traded "
        "for at least 50,000 a day."
    ),
    key=("day", "currency", "direction", "rank"),
    time_column="day",
    columns=(
        DAY,
        CURRENCY,
        Column(
            "direction",
            Type.TEXT,
            "Whether the price rose or fell.",
            nullable=False,
            values=("up", "down"),
        ),
        RANK,
        COIN_ID,
        NAME,
        SYMBOL,
        DAILY_COIN_PRICES.column("open"),
        DAILY_COIN_PRICES.column("close"),
        Column(
            "change",
            Type.DOUBLE,
            "Change from open to close.",
            nullable=False,
            unit="percent",
            minimum=-100,
        ),
        DAILY_COIN_PRICES.column("average_volume_24h"),
        SOURCE,
    ),
)

TOP_CIRCULATING_SUPPLY = Table(
    layer="curated",
    name="top_circulating_supply",
    description="The ten coins of the largest circulating supply as the day closed.",
    key=("day", "currency", "rank"),
    time_column="day",
    columns=(
        DAY,
        CURRENCY,
        RANK,
        COIN_ID,
        NAME,
        SYMBOL,
        required(COIN_QUOTES.column("circulating_supply")),
        SOURCE,
    ),
)

TOP_PRICES = Table(
    layer="curated",
    name="top_prices",
    description="The ten coins of the highest price as the day closed.",
    key=("day", "currency", "rank"),
    time_column="day",
    columns=(DAY, CURRENCY, RANK, COIN_ID, NAME, SYMBOL, PRICE, SOURCE),
)

PUBLICATIONS = Table(
    layer="curated",
    name="publications",
    description="What each day of each curated table was last made of, and since when it is out.",
    key=("day", "table_name"),
    time_column="day",
    columns=(
        DAY,
        Column("table_name", Type.TEXT, "Curated table.", nullable=False),
        Column("hours", Type.INTEGER, "Balanced hours behind the day.", nullable=False, minimum=0),
        Column("hours_missing", Type.TEXT, "The day's other hours, as `00,13`; null: none."),
        Column(
            "published_at",
            Type.TIMESTAMP,
            "When the day was first written after it had ended; null: it has not.",
        ),
        Column("written_at", Type.TIMESTAMP, "When it was last written.", nullable=False),
        Column("quotes_version", Type.BIGINT, "Version of processed/coin_quotes behind it."),
        RUN_ID,
    ),
)

REVISIONS = Table(
    layer="curated",
    name="revisions",
    description=(
        "Values that changed after their day was published, with what was published before. "
        "Of the daily prices and the market overview, which the rankings follow."
    ),
    key=("day", "table_name", "snapshot_hour", "coin_id", "currency", "column_name", "revised_at"),
    time_column="day",
    columns=(
        DAY,
        Column("table_name", Type.TEXT, "Curated table.", nullable=False),
        Column("snapshot_hour", Type.TIMESTAMP, "Hour of the row, in hourly tables."),
        Column("coin_id", Type.BIGINT, "Coin of the row, in tables by coin."),
        CURRENCY,
        Column("column_name", Type.TEXT, "Which value.", nullable=False),
        Column("former", Type.DOUBLE, "What was published; null: nothing."),
        Column("revised", Type.DOUBLE, "What is now; null: nothing, or the row is gone."),
        Column("revised_at", Type.TIMESTAMP, "When it changed.", nullable=False),
        RUN_ID,
    ),
)

TABLES = (DAILY_COIN_PRICES, MARKET_OVERVIEW, DAILY_TOP_MOVERS, TOP_CIRCULATING_SUPPLY, TOP_PRICES)
SIDE_TABLES = (PUBLICATIONS, REVISIONS)  # written along with them
