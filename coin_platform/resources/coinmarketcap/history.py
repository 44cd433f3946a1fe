"""Past hours from the vendor's historical quotes: one pass over all coins of a window."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from coin_platform.contracts.schema import Difference
from coin_platform.errors import PermanentError
from coin_platform.partitions import HOUR, Window, instant_text
from coin_platform.resources.coinmarketcap.columns import misfit
from coin_platform.resources.coinmarketcap.fields import Shapes, of_points, shapes_of
from coin_platform.resources.coinmarketcap.snapshot import Origin, quote_of, quotes_table
from coin_platform.resources.coinmarketcap.transport import Answer, Transport

HISTORY_PATH = "/v3/cryptocurrency/quotes/historical"
# A point this near to the end of an hour shows how the hour closed.
TOLERANCE = timedelta(minutes=10)

_POINTS_PER_CALL = 10_000
_IDS_PER_CALL = 500  # keeps the request line far below the 8 KB that servers admit
_SLACK_POINTS = 2  # points outside the window that may come with it, before and after
_HOUR_US = HOUR // timedelta(microseconds=1)
_TOLERANCE_US = TOLERANCE // timedelta(microseconds=1)


@dataclass(frozen=True)
class History:
    """A window's quotes: the columns of `COIN_QUOTES` but `snapshot_hour` and `loaded_at`, by hour.

    `off_grid` counts the points that were ignored because they are near no end of an hour. `drift`
    is what of the points is not as the contract says.
    """

    by_hour: dict[datetime, pa.Table]
    credits: int
    off_grid: int
    drift: list[Difference]


def fetch_history(
    transport: Transport,
    window: Window,
    coin_ids: Sequence[int],
    currency: str,
    progress: Callable[[str], None],
) -> History:
    """The hours of the window as they closed, for those coins; an hour without points is absent.

    Raises what `Transport.get` raises, and `PermanentError` for values of a wrong kind and fields
    that are gone, where the contract says stop.
    """
    per_coin = len(window.hours) + _SLACK_POINTS
    batch = min(_IDS_PER_CALL, _POINTS_PER_CALL // per_coin)
    if not batch:
        raise PermanentError(f"the window {window} is too long for one pass; cut it into chunks")
    params: dict[str, str | int] = {
        "time_start": instant_text(window.start + HOUR - TOLERANCE),
        "time_end": instant_text(window.end + TOLERANCE),
        "interval": "hourly",
        "count": per_coin,
        "convert": currency,
        "skip_invalid": "true",
    }
    tables: list[pa.Table] = []
    drift: list[Difference] = []
    shapes: Shapes = Counter()
    credits_used = 0
    for at in range(0, len(coin_ids), batch):
        ids = coin_ids[at : at + batch]
        answer = transport.get(HISTORY_PATH, {**params, "id": ",".join(map(str, ids))})
        credits_used += answer.credits
        origin = Origin(answer.endpoint, currency, answer.simulated, drift)
        tables.append(_points(answer, set(ids), origin, shapes))
        progress(f"history of {min(at + batch, len(coin_ids)):,} of {len(coin_ids):,} coins")
    drift += of_points(HISTORY_PATH, shapes)
    by_hour, off_grid = _by_closed_hour(pa.concat_tables(tables), window)
    return History(by_hour, credits_used, off_grid, drift)


def _points(answer: Answer, asked: set[int], origin: Origin, shapes: Shapes) -> pa.Table:
    """Every point of an answer, one row each; the fields of their quotes are added to `shapes`."""
    if not isinstance(answer.data, dict):
        raise PermanentError(
            f"{answer.endpoint}: data is a {type(answer.data).__name__}, not a map by coin id; "
            "the vendor changed its answers and the client must follow"
        )
    ids: list[int] = []
    points: list[dict[str, Any]] = []
    for key, coin in answer.data.items():
        if not key.isdecimal() or not isinstance(coin, dict):
            raise PermanentError(f"{answer.endpoint}: {key!a} is no coin id with its quotes")
        identity = int(key)
        if identity not in asked:
            continue
        series = coin.get("quotes") or []
        if not isinstance(series, list) or not all(isinstance(point, dict) for point in series):
            raise misfit(answer.endpoint, identity, "quotes", series, "list of points")
        points += series
        ids += [identity] * len(series)
    quotes = [
        quote_of(point, identity, origin) for point, identity in zip(points, ids, strict=True)
    ]
    shapes.update(shapes_of(quotes))
    instants = [point.get("timestamp") for point in points]
    if None in instants:
        raise misfit(
            answer.endpoint, ids[instants.index(None)], "quotes.timestamp", None, "timestamp"
        )
    # A historical point keeps the supplies inside its quote.
    return quotes_table(quotes, quotes, instants, ids, origin)


def _by_closed_hour(points: pa.Table, window: Window) -> tuple[dict[datetime, pa.Table], int]:
    """Each point to the hour whose end it is nearest to; of several the nearest.

    With the number of points that are near no end of an hour.
    """
    instants = points["last_updated"].cast(pa.int64()).to_numpy()
    ends = (instants + _HOUR_US // 2) // _HOUR_US * _HOUR_US
    distances = np.abs(instants - ends)
    near = distances <= _TOLERANCE_US
    ids = points["coin_id"].to_numpy()
    order = np.lexsort((distances, ids, ends))
    order = order[near[order]]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (np.diff(ends[order]) != 0) | (np.diff(ids[order]) != 0)
    order = order[first]
    ordered, ends = points.take(pa.array(order)), ends[order]
    by_hour = {}
    for hour in window.hours:
        end_us = int((hour + HOUR).timestamp()) * 1_000_000
        low, high = np.searchsorted(ends, (end_us, end_us + 1))
        if low < high:
            by_hour[hour] = ordered.slice(int(low), int(high - low))
    return by_hour, int(np.count_nonzero(~near))
