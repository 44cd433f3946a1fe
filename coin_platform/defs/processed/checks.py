"""Checks of processed: the contracts, and that each hour is what raw says of it."""

from collections.abc import Iterator
from dataclasses import replace

import dagster as dg

from coin_platform.contracts import processed, raw
from coin_platform.contracts.measures import Measured
from coin_platform.defs.checks import (
    CONTRACT,
    HAS_ROWS,
    Verdict,
    fact_check,
    report,
    specs_of,
)
from coin_platform.defs.partitions import HOURS, hour_keys, window_of
from coin_platform.defs.transforms import partition_of
from coin_platform.delivery import latest, read_log
from coin_platform.partitions import Window
from coin_platform.resources.engine.interface import Engine
from coin_platform.resources.lake import Lake

KEY = list(processed.COIN_QUOTES.key)
QUOTE_CHECKS = (
    *CONTRACT,
    fact_check("agrees_with_raw", "The keys of the hour are exactly those that raw ends with."),
)
COIN_CHECKS = (
    *(check for check in CONTRACT if check is not HAS_ROWS),
    fact_check("every_quoted_coin_is_known", "Each coin quoted in the hour has a current version."),
)


def agreement_with_raw(lake: Lake, window: Window) -> dict[str, Verdict]:
    """Whether processed and raw hold the same quotes, for each hour by partition key."""
    files = lake.raw_files(raw.COIN_QUOTES, since=window.start)
    expected = latest(read_log(lake, raw.COIN_QUOTES, files, window), KEY)[KEY]
    found = lake.rows(processed.COIN_QUOTES, KEY, window).to_pandas()
    merged = expected.merge(found, how="outer", on=KEY, indicator="side")
    verdicts = {}
    for hour, partition in zip(window.hours, hour_keys(window), strict=True):
        of_hour = merged[merged["snapshot_hour"] == hour]
        missing = of_hour[of_hour["side"] == "left_only"]
        extra = of_hour[of_hour["side"] == "right_only"]
        text = f"{len(of_hour) - len(missing) - len(extra)} quotes agree"
        for rows, words in ((missing, "of raw are missing"), (extra, "are not in raw")):
            if len(rows):
                coins = ", ".join(str(coin) for coin in rows["coin_id"].head(5))
                text += f"; {len(rows)} {words}, e.g. of coins {coins}"
        passed = not len(missing) and not len(extra)
        counts = {"missing": len(missing), "extra": len(extra)}
        verdicts[partition] = Verdict(passed, text, counts)
    return verdicts


def known_coins(lake: Lake, window: Window) -> dict[str, Verdict]:
    """Whether every coin quoted is in the history of coins, for each hour by partition key."""
    versions = lake.rows(processed.COINS, ["coin_id", "is_current"]).to_pandas()
    known = set(versions.loc[versions["is_current"], "coin_id"])
    quoted = lake.rows(processed.COIN_QUOTES, ["snapshot_hour", "coin_id"], window).to_pandas()
    verdicts = {}
    for hour, partition in zip(window.hours, hour_keys(window), strict=True):
        coins = set(quoted.loc[quoted["snapshot_hour"] == hour, "coin_id"])
        unknown = sorted(coins - known)
        text = f"{len(coins)} coins quoted, {len(unknown)} of them unknown"
        if unknown:
            text += f", e.g. {', '.join(str(coin) for coin in unknown[:5])}"
        verdicts[partition] = Verdict(not unknown, text, {"unknown": len(unknown)})
    return verdicts


@dg.multi_asset_check(
    name="check_processed_coin_quotes",
    specs=specs_of(processed.COIN_QUOTES, HOURS, QUOTE_CHECKS),
    can_subset=True,
)
def coin_quotes(
    context: dg.AssetCheckExecutionContext,
    engine: dg.ResourceParam[Engine],
    lake: dg.ResourceParam[Lake],
) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
    """Judge each hour by one pass of the engine and one comparison with raw."""
    window = window_of(context)
    counted = engine.measure(processed.COIN_QUOTES.id, window)
    by_partition = {partition_of(key): of for key, of in counted.items()}
    measured = {
        partition: replace(
            by_partition.get(partition, Measured()), facts={"agrees_with_raw": verdict}
        )
        for partition, verdict in agreement_with_raw(lake, window).items()
    }
    yield from report(context, processed.COIN_QUOTES, QUOTE_CHECKS, measured)


@dg.multi_asset_check(
    name="check_processed_coins",
    specs=specs_of(processed.COINS, HOURS, COIN_CHECKS, additional_deps=[processed.COIN_QUOTES]),
    can_subset=True,
)
def coins(
    context: dg.AssetCheckExecutionContext,
    engine: dg.ResourceParam[Engine],
    lake: dg.ResourceParam[Lake],
) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
    """Judge the whole history, which belongs to no hour alone, and the hours' coins against it."""
    window = window_of(context)
    history = engine.measure(processed.COINS.id, window).get("", Measured())
    measured = {
        partition: replace(history, facts={"every_quoted_coin_is_known": verdict})
        for partition, verdict in known_coins(lake, window).items()
    }
    yield from report(context, processed.COINS, COIN_CHECKS, measured)


CHECKS = (coin_quotes, coins)
