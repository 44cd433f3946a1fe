"""What is wrong with a row, as data: the rules of quotes and of coins.

The SQL is evaluated on raw rows, typed by the raw contract. A rule quarantines what must not be
believed or cannot be attributed, and warns of what is odd but may be true: real markets hold zero
supplies, null caps, prices of 1e-20 and shared symbols, and none of these breaks a rule.
"""

import sys

from coin_platform.contracts.model import Rule, Severity

LARGEST = repr(sys.float_info.max)
PERCENT_CHANGES = tuple(
    f"percent_change_{span}" for span in ("1h", "24h", "7d", "30d", "60d", "90d")
)
AMOUNTS = (
    "circulating_supply",
    "total_supply",
    "volume_24h",
    "market_cap",
    "fully_diluted_market_cap",
)

ASK_AGAIN = (
    "Ask the source again: `coin-platform redrive --hour H --from-source`. If the vendor still "
    "says so and you know it to be true, release the row: `--release COIN_ID --because …`."
)
ASK_AGAIN_TO_BE_SURE = (
    "Ask the source again: `coin-platform redrive --hour H --from-source`. The row is kept; "
    "curated leaves numbers out that are not finite."
)
LOOK_AT_THE_VENDOR = "Compare with the coin's page at the vendor; nothing needs to be done here."


def any_of(template: str, columns: tuple[str, ...]) -> str:
    """The template's condition for any of the columns, in place of `{}`."""
    return " OR ".join(template.format(column) for column in columns)


def blank(columns: tuple[str, ...]) -> str:
    return any_of("{0} IS NULL OR trim({0}) = ''", columns)


QUOTE_RULES = (
    Rule(
        "quote_without_identity",
        Severity.QUARANTINE,
        f"coin_id IS NULL OR coin_id < 1 OR snapshot_hour IS NULL OR {blank(('currency',))}",
        "Nobody can tell which coin, hour or currency the price belongs to.",
        "Find out what wrote the row: the loader refuses coins without an id.",
    ),
    Rule(
        "unknown_source",
        Severity.FAIL,
        "source IS NULL OR source NOT IN ('coinmarketcap', 'simulated')",
        "Simulated and real prices can no longer be told apart.",
        "Find out what wrote the row into market.coin_quotes, correct or delete it there, and "
        "`coin-platform redrive --hour H`.",
    ),
    Rule(
        "price_missing",
        Severity.QUARANTINE,
        "price IS NULL",
        "A quote without a price says nothing.",
        ASK_AGAIN,
    ),
    Rule(
        "price_not_finite",
        Severity.QUARANTINE,
        f"abs(price) > {LARGEST}",  # NaN is larger than every number
        "The price is NaN or infinite.",
        ASK_AGAIN,
    ),
    Rule(
        "price_negative",
        Severity.QUARANTINE,
        "price < 0",
        "No coin is worth less than nothing.",
        ASK_AGAIN,
    ),
    Rule(
        "quote_of_another_hour",
        Severity.QUARANTINE,
        "last_updated >= snapshot_hour + INTERVAL 2 HOURS",
        "The vendor computed the quote an hour or more after its hour had closed.",
        ASK_AGAIN,
    ),
    Rule(
        "quote_is_stale",
        Severity.WARN,
        "last_updated < snapshot_hour - INTERVAL 1 DAY",
        "The vendor has not computed the quote for more than a day: the coin hardly trades.",
        LOOK_AT_THE_VENDOR,
    ),
    Rule(
        "supply_out_of_order",
        Severity.WARN,
        # The largest supply is the coin's, not the quote's; the diluted cap is price times it.
        "(total_supply > 0 AND circulating_supply > total_supply * 1.001)"
        " OR (fully_diluted_market_cap > 0 AND price * total_supply"
        " > fully_diluted_market_cap * 1.001)",
        "More coins circulate than exist, or more exist than ever can.",
        LOOK_AT_THE_VENDOR,
    ),
    Rule(
        "market_cap_contradicts_supply",
        Severity.WARN,
        "circulating_supply > 0 AND abs(market_cap - price * circulating_supply)"
        " > 0.01 * abs(market_cap) AND abs(market_cap - price * circulating_supply) > 1",
        "The market cap is not the price times the circulating supply, within one percent.",
        LOOK_AT_THE_VENDOR,
    ),
    Rule(
        "fell_by_more_than_everything",
        Severity.WARN,
        any_of("{} < -100", PERCENT_CHANGES),
        "A price cannot fall by more than 100 percent.",
        LOOK_AT_THE_VENDOR,
    ),
    Rule(
        "amount_negative",
        Severity.WARN,
        any_of("{} < 0", AMOUNTS),
        "A supply, volume or market cap is below zero.",
        ASK_AGAIN_TO_BE_SURE,
    ),
    Rule(
        "number_not_finite",
        Severity.WARN,
        any_of(f"abs({{}}) > {LARGEST}", (*AMOUNTS, "volume_change_24h", *PERCENT_CHANGES)),
        "A number beside the price is NaN or infinite; curated leaves it out.",
        ASK_AGAIN_TO_BE_SURE,
    ),
)

COIN_RULES = (
    Rule(
        "coin_without_identity",
        Severity.QUARANTINE,
        f"coin_id IS NULL OR coin_id < 1 OR {blank(('name', 'symbol', 'slug'))}",
        "The vendor promises every coin an id, a name, a symbol and a slug.",
        "A known coin keeps its former attributes, a new one has none. Compare with its page at "
        "the vendor, and ask again: `coin-platform redrive --hour H --from-source`.",
    ),
    Rule(
        "max_supply_negative",
        Severity.WARN,
        f"max_supply < 0 OR abs(max_supply) > {LARGEST}",
        "The largest supply is no amount.",
        LOOK_AT_THE_VENDOR,
    ),
    Rule(
        "listed_in_the_future",
        Severity.WARN,
        "date_added >= snapshot_hour + INTERVAL 1 DAY",
        "The coin was quoted before it was listed.",
        LOOK_AT_THE_VENDOR,
    ),
    Rule(
        "lives_on_itself",
        Severity.WARN,
        "platform_id = coin_id",
        "A token cannot live on its own chain.",
        LOOK_AT_THE_VENDOR,
    ),
)
