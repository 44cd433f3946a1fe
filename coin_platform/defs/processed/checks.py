"""Checks of processed: the contracts, the rules of rows, and that the ledger balances."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dagster as dg

from coin_platform.contracts import database as market
from coin_platform.contracts import processed
from coin_platform.contracts.measures import Measured
from coin_platform.contracts.model import Table
from coin_platform.defs.checks import (
    CONTRACT,
    HAS_ROWS,
    KEYS_ARE_UNIQUE,
    Verdict,
    fact_check,
    report,
    specs_of,
)
from coin_platform.defs.drift import RECENT, SCHEMA, recency, with_schema
from coin_platform.defs.partitions import HOURS, hour_keys, window_of
from coin_platform.defs.transforms import partition_of
from coin_platform.partitions import Window
from coin_platform.resources.engine.interface import Engine
from coin_platform.resources.lake import Lake

if TYPE_CHECKING:
    import pandas as pd

EXAMPLES = 5
TROUBLES = ("missing", "unexpected", "different", "unlike_database")

QUOTE_CHECKS = (
    *SCHEMA,
    *CONTRACT,
    RECENT,
    fact_check(
        "rows_keep_the_rules",
        "No row was kept that breaks a rule; those that do say so in their column `warnings`.",
        blocking=False,
    ),
)
COIN_CHECKS = (
    *SCHEMA,
    *(check for check in CONTRACT if check is not HAS_ROWS),
    fact_check(
        "every_quoted_coin_is_known",
        "Each coin quoted in the hour has a current version, or is in quarantine.",
    ),
)
QUARANTINE_CHECKS = (
    *SCHEMA,
    KEYS_ARE_UNIQUE,
    fact_check("nothing_is_quarantined", "No row of the hour was kept out.", blocking=False),
)
LEDGER_CHECKS = (
    *SCHEMA,
    fact_check(
        "ledger_balances",
        "Every key of raw was written, quarantined or deleted, with the values that the database "
        "has: by key and by checksum.",
    ),
)


def known_coins(lake: Lake, window: Window) -> dict[str, Verdict]:
    """Whether every coin quoted is in the history of coins, for each hour by partition key.

    One whose attributes are quarantined is accounted for there.
    """
    versions = lake.rows(processed.COINS, ["coin_id", "is_current"]).to_pandas()
    known = set(versions.loc[versions["is_current"], "coin_id"])
    if lake.exists(processed.QUARANTINED_COINS):
        known |= set(lake.rows(processed.QUARANTINED_COINS, ["coin_id"])["coin_id"].to_pylist())
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


def rules_kept(lake: Lake, window: Window) -> dict[str, Verdict]:
    """The rows kept with a warning, by rule, for each hour by partition key."""
    rows = lake.rows(processed.COIN_QUOTES, ["snapshot_hour", "coin_id", "warnings"], window)
    warned = rows.filter(rows["warnings"].is_valid()).to_pandas()
    return {
        partition: broken_rules(warned[warned["snapshot_hour"] == hour], "warnings", "kept")
        for hour, partition in zip(window.hours, hour_keys(window), strict=True)
    }


def broken_rules(rows: "pd.DataFrame", column: str, what: str) -> Verdict:
    """Pass without rows; otherwise say how many broke which rule, and give some of them."""
    if rows.empty:
        return Verdict(True, f"no rows were {what} that break a rule")
    by_rule = rows.assign(rule=rows[column].str.split(",")).explode("rule").groupby("rule")
    found = {
        str(rule): ", ".join(str(coin) for coin in of_rule["coin_id"].head(EXAMPLES))
        for rule, of_rule in by_rule
    }
    counts = {str(rule): int(count) for rule, count in by_rule.size().items()}
    text = ", ".join(
        f"{rule} ({counts[rule]}, e.g. coins {coins})" for rule, coins in found.items()
    )
    return Verdict(False, f"{len(rows)} rows were {what}: {text}", counts)


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
    """Judge each hour by one pass of the engine."""
    window = window_of(context)

    def measure() -> dict[str, Measured]:
        counted = engine.measure(processed.COIN_QUOTES.id, window)
        by_partition = {partition_of(key): of for key, of in counted.items()}
        kept = rules_kept(lake, window)
        return {
            partition: replace(
                of := by_partition.get(partition, Measured()),
                facts={
                    "rows_keep_the_rules": kept[partition],
                    **recency(of.facts.get("newest"), hour),
                },
            )
            for hour, partition in zip(window.hours, hour_keys(window), strict=True)
        }

    measured = with_schema(lake, processed.COIN_QUOTES, hour_keys(window), measure)
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

    def measure() -> dict[str, Measured]:
        history = engine.measure(processed.COINS.id, window).get("", Measured())
        return {
            partition: replace(history, facts={"every_quoted_coin_is_known": verdict})
            for partition, verdict in known_coins(lake, window).items()
        }

    measured = with_schema(lake, processed.COINS, hour_keys(window), measure)
    yield from report(context, processed.COINS, COIN_CHECKS, measured)


def quarantine_check(table: Table) -> dg.AssetChecksDefinition:
    """The checks of one quarantine."""

    @dg.multi_asset_check(
        name=f"check_processed_{table.name}",
        specs=specs_of(table, HOURS, QUARANTINE_CHECKS),
        can_subset=True,
    )
    def check(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
        """Say what was kept out, and why."""
        window = window_of(context)

        def measure() -> dict[str, Measured]:
            rows = lake.rows(table, [*table.key, "rules"], window).to_pandas()
            found = {}
            for hour, partition in zip(window.hours, hour_keys(window), strict=True):
                of_hour = rows[rows["snapshot_hour"] == hour]
                found[partition] = Measured(
                    rows=len(of_hour),
                    keys=len(of_hour.drop_duplicates(list(table.key))),
                    facts={"nothing_is_quarantined": broken_rules(of_hour, "rules", "quarantined")},
                )
            return found

        measured = with_schema(lake, table, hour_keys(window), measure)
        yield from report(context, table, QUARANTINE_CHECKS, measured)

    return check


@dg.multi_asset_check(
    name="check_processed_ledger",
    specs=specs_of(processed.LEDGER, HOURS, LEDGER_CHECKS),
    can_subset=True,
)
def ledger(
    context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
    """Judge each hour's account as it stands in the ledger."""
    window = window_of(context)
    table = processed.LEDGER

    def measure() -> dict[str, Measured]:
        rows = lake.rows(table, table.column_names, window).to_pylist()
        found = {}
        for hour, partition in zip(window.hours, hour_keys(window), strict=True):
            of_hour = [row for row in rows if row["snapshot_hour"] == hour]
            found[partition] = Measured(
                rows=len(of_hour), facts={"ledger_balances": balance(of_hour)}
            )
        return found

    measured = with_schema(lake, table, hour_keys(window), measure)
    yield from report(context, table, LEDGER_CHECKS, measured)


def balance(rows: list[dict[str, Any]]) -> Verdict:
    """Whether an hour's accounts balance; by how much they do not, and some of the keys."""
    parts: list[str] = []
    metadata: dict[str, Any] = {}
    for row in rows:
        name = row["table_name"]
        text = (
            f"{name}: {row['current']} current in raw = {row['written']} written + "
            f"{row['quarantined']} quarantined; {row['deleted']} deleted"
        )
        if not row["balanced"]:
            off = {key: row[key] for key in TROUBLES if row[key]}
            counts = ", ".join(f"{key.replace('_', ' ')} {count}" for key, count in off.items())
            text += f"; does not balance: {counts} ({row['examples']})"
            metadata |= {f"{name}/{key}": count for key, count in off.items()}
        metadata |= {f"{name}/{key}": row[key] for key in row if key.endswith("_checksum")}
        parts.append(text)
    passed = len(rows) == len(market.TABLES) and all(row["balanced"] for row in rows)
    return Verdict(passed, "; ".join(parts) or "no account was made", metadata)


CHECKS = (
    coin_quotes,
    coins,
    quarantine_check(processed.QUARANTINED_COIN_QUOTES),
    quarantine_check(processed.QUARANTINED_COINS),
    ledger,
)
