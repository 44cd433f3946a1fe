"""The vendor's API: outside the platform, here for the lineage."""

import dagster as dg

from coin_platform.defs.tables import KINDS, OWNERS

COINMARKETCAP = dg.AssetSpec(
    key=["source", "coinmarketcap"],
    description=(
        "Listings and historical quotes of the CoinMarketCap API, "
        "or of the simulated market that answers in its place."
    ),
    group_name="source",
    owners=OWNERS,
    kinds=set(KINDS["source"]),
    metadata={"api": dg.MetadataValue.url("https://pro.coinmarketcap.com/api/documentation")},
)
