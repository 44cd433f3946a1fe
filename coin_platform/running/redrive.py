"""Putting an hour through again: rows that were corrected, or that a person lets through."""

import getpass
from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from coin_platform.contracts import processed
from coin_platform.contracts.render import arrow_schema
from coin_platform.errors import SettingsError
from coin_platform.partitions import Window, instant_text, utc_now
from coin_platform.resources.lake import Lake, open_lake
from coin_platform.running.execute import Observer
from coin_platform.running.report import Report
from coin_platform.running.session import session
from coin_platform.settings import Settings

QUARANTINE = processed.QUARANTINED_COIN_QUOTES


def redrive(  # noqa: PLR0913  an hour, and what is said of it
    settings: Settings,
    hour: datetime,
    observer: Observer,
    *,
    release: Sequence[int] = (),
    reason: str = "",
    from_source: bool = False,
) -> Report:
    """Process the hour anew, from raw or from the source on, and the days that are behind then.

    `release` are coins whose quarantined quotes are let through, for a reason. Raises
    `SettingsError` for an hour that has no table yet, or a coin that is not in quarantine.
    """
    lake = open_lake(settings)
    window = Window.of_hour(hour)
    if not lake.exists(processed.COIN_QUOTES):
        raise SettingsError(f"{lake.url} holds no processed hours: `coin-platform run` first")
    if release:
        record_releases(lake, window, release, reason)
    if from_source:  # for as many coins as the hour was asked for
        settings = settings.model_copy(update={"coins": coins_of(lake, window) or settings.coins})
    with session(settings, observer) as opened:
        report = Report([])
        opened.do_hours("hour" if from_source else "redrive", [hour], report)
        opened.do_days([hour], report)
        opened.publish_page(report)
        return report


def coins_of(lake: Lake, window: Window) -> int:
    """How many coins the window's hour has, quarantined ones among them."""
    return sum(
        lake.rows(table, ["coin_id"], window).num_rows
        for table in (processed.COIN_QUOTES, QUARANTINE)
    )


def record_releases(lake: Lake, window: Window, coins: Sequence[int], reason: str) -> None:
    """Note that the coins' quarantined quotes of the hour are true; again changes nothing."""
    held = lake.rows(QUARANTINE, QUARANTINE.column_names, window).to_pylist()
    by_coin = {row["coin_id"]: row for row in held}
    known = releases(lake, window)
    released = {row["coin_id"] for row in known.to_pylist()}
    unknown = sorted(set(coins) - set(by_coin) - released)
    if unknown:
        raise SettingsError(
            f"coins {', '.join(map(str, unknown))} have no quarantined quote of "
            f"{instant_text(window.start)}; those that have are "
            f"{', '.join(map(str, sorted(by_coin))) or 'none'}"
        )
    now = utc_now()
    news = [
        {name: by_coin[coin][name] for name in (*processed.COIN_QUOTES.key, "price", "rules")}
        | {"reason": reason, "released_by": getpass.getuser(), "released_at": now}
        for coin in coins
        if coin in by_coin
    ]
    table = processed.RELEASES
    others = known.filter(
        pc.invert(
            pc.is_in(known["coin_id"], pa.array([row["coin_id"] for row in news], pa.int64()))
        )
    )
    rows = pa.concat_tables([others, pa.Table.from_pylist(news, arrow_schema(table))])
    lake.replace_rows(table, rows, window)


def releases(lake: Lake, window: Window) -> pa.Table:
    table = processed.RELEASES
    lake.ensure(table)
    return lake.rows(table, table.column_names, window).cast(arrow_schema(table))


def ledger_of(lake: Lake, window: Window) -> list[dict[str, object]]:
    """The hour's entries in the ledger, by table."""
    table = processed.LEDGER
    if not lake.exists(table):
        return []
    rows: list[dict[str, object]] = lake.rows(table, table.column_names, window).to_pylist()
    return sorted(rows, key=lambda row: str(row["table_name"]))
