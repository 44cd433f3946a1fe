"""What running the platform takes, on a deployment that is paid for."""

from coin_platform.contracts.curated import DAY
from coin_platform.contracts.model import Column, Table, Type

COSTS = Table(
    layer="operations",
    name="costs",
    description=(
        "What a day cost on AWS, by service and by each tag, as Cost Explorer has it, unblended; "
        "and the credits of the CoinMarketCap API. Costs of a day settle within two days: a "
        "partition that is materialized again is replaced. On AWS only."
    ),
    key=("day", "dimension", "name"),
    time_column="day",
    columns=(
        DAY,
        Column(
            "dimension",
            Type.TEXT,
            "By what the day's costs are split; each dimension sums to all of them.",
            nullable=False,
            values=("service", "Projeto", "Team", "CentroCusto", "coinmarketcap"),
        ),
        Column(
            "name",
            Type.TEXT,
            "Service, or value of the tag, `untagged` without one; `credits_used` for the API.",
            nullable=False,
        ),
        Column("amount", Type.DOUBLE, "How much.", nullable=False),
        Column(
            "unit",
            Type.TEXT,
            "US dollars; credits used since the API's month began, when this was recorded.",
            nullable=False,
            values=("USD", "credits"),
        ),
    ),
)

TABLES = (COSTS,)
