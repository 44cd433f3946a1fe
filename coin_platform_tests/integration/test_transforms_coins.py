"""The history of coins, against a model that sees every change once and in order."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from coin_platform.contracts import processed, raw
from coin_platform.transforms.coins import history, judged
from coin_platform_tests.integration.lake_files import HOUR, H, coin, frame, rows_of, stamp

MINUTE = timedelta(minutes=1)
PROPERTY = settings(max_examples=10, deadline=None)


class Model:
    """One coin's history, kept while its changes happen."""

    def __init__(self):
        self.versions, self.ends = {}, []

    def put(self, name, hour):
        self.versions[hour] = name
        self.ends = [end for end in self.ends if end < hour]

    def delete(self, at):
        self.ends.append(max(at, *self.versions))

    def rows(self):
        hours = sorted(self.versions)
        for hour, following in zip(hours, [*hours[1:], None], strict=True):
            ends = [end for end in (following, *self.ends) if end and end >= hour]
            yield hour, self.versions[hour], min(ends, default=None)


@st.composite
def logs(draw):
    """Changes of three coins in order of commit, the load rows, its start, and the models.

    Hours lag behind commits by up to four hours, so that they also run backwards.
    """
    steps = draw(
        st.lists(
            st.tuples(
                st.integers(1, 3), st.sampled_from("UUD"), st.integers(1, 4), st.integers(0, 90)
            ),
            min_size=8,
            max_size=24,
        )
    )
    load_after = draw(st.none() | st.integers(0, len(steps)))
    live, models, log, load, started, at = {}, {}, [], [], None, H + 10 * HOUR
    for number in range(len(steps) + 1):
        if number == load_after:
            at += MINUTE
            started = at
            load = [coin(key, hour, at=at, name=name) for key, (name, hour) in live.items()]
        if number == len(steps):
            break
        key, op, lag, minutes = steps[number]
        at += timedelta(minutes=minutes)
        hour = at.replace(minute=0) - lag * HOUR
        if op == "D":
            if live.pop(key, None) is None:
                continue
            models[key].delete(at)
            log.append(coin(key, op="D", at=at, seq=number))
        else:
            op = "U" if key in live else "I"
            live[key] = (f"name {number}", hour)
            models.setdefault(key, Model()).put(*live[key])
            log.append(coin(key, hour, op=op, at=at, seq=number, name=f"name {number}"))
    expected = [
        (key, valid_from, name, valid_to, valid_to is None)
        for key, model in sorted(models.items())
        for valid_from, name, valid_to in model.rows()
    ]
    return log, load, started, expected


def merged(known, found):
    by_key = {(row["coin_id"], row["valid_from"]): row for row in known}
    by_key |= {(row["coin_id"], row["valid_from"]): row for row in found}
    return list(by_key.values())


def run(known, log, load, started, since):
    """One run: the changes made since some time, and the load, added to what is known."""
    rows = [row for row in log if row["commit_timestamp"] >= stamp(since)] + load
    found = history(
        frame(processed.COINS, known),
        judged(frame(raw.COINS, rows)),
        stamp(started) if load else None,
        load_is_new=started is not None and started >= since,
    )
    versions = rows_of(found)
    assert len({(row["coin_id"], row["valid_from"]) for row in versions}) == len(versions)
    return merged(known, versions)


def summary(rows):
    names = ("coin_id", "valid_from", "name", "valid_to", "is_current")
    return sorted(tuple(row[name] for name in names) for row in rows)


@PROPERTY
@given(logs(), st.data())
def test_runs_in_any_order_end_with_the_same_history(log, data):
    changes, load, started, expected = log
    sinces = [H, *data.draw(st.lists(st.integers(0, 20).map(lambda n: H + n * HOUR), max_size=2))]
    repeated = changes + data.draw(
        st.lists(st.sampled_from(changes), max_size=4) if changes else st.just([])
    )
    known = []
    for since in data.draw(st.permutations(sinces)):
        shuffled = data.draw(st.permutations(repeated))
        known = run(known, shuffled, load, started, since)
    assert summary(known) == expected


def test_changes_of_one_hour_collapse_to_the_last():
    log = [coin(1, seq=1, name="a"), coin(1, op="U", seq=2, name="b")]
    assert summary(run([], log, [], None, H)) == [(1, H, "b", None, True)]


def test_a_coin_that_comes_back_later_was_away_in_between():
    gone = [coin(1, seq=1), coin(1, op="D", at=H + 3 * HOUR, seq=2)]
    back = coin(1, H + 5 * HOUR, seq=3)
    expected = [(H, H + 3 * HOUR), (H + 5 * HOUR, None)]
    known = run([], gone, [], None, H)
    for found in (run([], [*gone, back], [], None, H), run(known, [back], [], None, H + 5 * HOUR)):
        assert [(row[1], row[3]) for row in summary(found)] == expected


def test_a_coin_that_comes_back_with_an_earlier_hour_was_never_away():
    gone = [coin(1, seq=1), coin(1, op="D", at=H + 3 * HOUR, seq=2)]
    back = coin(1, H + HOUR, at=H + 4 * HOUR, seq=3)
    expected = [(H, H + HOUR), (H + HOUR, None)]
    known = run([], gone, [], None, H)
    for found in (run([], [*gone, back], [], None, H), run(known, [back], [], None, H + 4 * HOUR)):
        assert [(row[1], row[3]) for row in summary(found)] == expected


def test_a_coin_that_a_reload_no_longer_shows_has_ended():
    known = run([], [coin(1, seq=1), coin(2, seq=2)], [], None, H)
    load = [coin(2, at=H + 5 * HOUR)]
    found = summary(run(known, [], load, H + 5 * HOUR, H))
    assert [row[3:] for row in found] == [(H + 5 * HOUR, False), (None, True)]


def test_a_delete_before_the_hour_of_its_row_closes_it_at_that_hour():
    log = [coin(1, at=H - HOUR, seq=1), coin(1, op="D", at=H - MINUTE, seq=2)]
    assert [row[3] for row in summary(run([], log, [], None, H - 2 * HOUR))] == [H]


def test_an_old_load_does_not_undo_a_later_change_of_the_same_hour():
    known = run([], [coin(1, op="U", at=H + 2 * HOUR, seq=1, name="newer")], [], None, H)
    load = [coin(1, at=H + HOUR, name="older"), coin(2, at=H + HOUR, name="other")]
    found = run(known, [], load, H + HOUR, H + 3 * HOUR)
    assert [row[2] for row in summary(found)] == ["newer", "other"]
