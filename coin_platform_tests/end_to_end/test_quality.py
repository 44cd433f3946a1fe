"""Quality as an operator meets it: the demonstration, and putting hours through again."""

from datetime import UTC, datetime

from coin_platform.contracts import processed
from coin_platform.partitions import Window, last_closed_hour
from coin_platform.resources.coinmarketcap.simulated import Simulated
from coin_platform.resources.lake import open_lake
from coin_platform.running.demo import spoiled_hour
from coin_platform.running.session import run_hours
from coin_platform.settings import load
from coin_platform.simulator.faults import BadValue
from coin_platform_tests.end_to_end.support import Home


class Quiet:
    def plan(self, steps):
        pass

    def record(self, record):
        pass


def test_the_demonstration_accounts_for_every_kind_of_bad_row(tmp_path):
    shown = spoiled_hour(load(home=tmp_path / "home", coins=30, source="simulated"), Quiet())
    ended = {row.words: (row.ended, row.rules) for row in shown.rows}
    assert ended["no price"] == ("quarantined_coin_quotes", "price_missing")
    assert ended["a negative price"][0] == "quarantined_coin_quotes"
    assert ended["a price that is no number"][1].startswith("price_not_finite")
    assert ended["an infinite price"][0] == "quarantined_coin_quotes"
    assert ended["a quote computed hours later"][1] == "quote_of_another_hour"
    assert ended["a quote of last week"] == ("coin_quotes, with a warning", "quote_is_stale")
    assert ended["a coin without a name"] == ("quarantined_coins", "coin_without_identity")
    assert ended["a supply of 0, which is usual"] == ("coin_quotes", "")
    assert ended["no largest supply, which is usual"] == ("coin_quotes", "")
    assert "nowhere" not in {place for place, _ in ended.values()}
    assert shown.balanced
    assert [row["quarantined"] for row in shown.ledger] == [5, 1]
    assert "a coin came without a valid id" in shown.refused


def test_quarantined_rows_are_released_or_corrected_by_redriving_their_hour(tmp_path):
    home = Home(tmp_path / "home")
    settings = load(home=home.path, coins=10, source="simulated")
    hour = last_closed_hour(datetime.now(UTC))
    window, text = Window.of_hour(hour), f"{hour:%Y-%m-%dT%H:%M}Z"
    clean = Simulated(settings.simulator_seed)
    [snapshot] = clean.snapshots(window, 10)
    clean.close()
    first, second = (int(coin) for coin in snapshot.quotes["coin_id"].iloc[:2])
    source = Simulated(
        settings.simulator_seed,
        faults=[BadValue(first, "price", -1.0), BadValue(second, "price", None)],
    )
    report = run_hours(settings, [hour], Quiet(), {"source": source})
    source.close()
    assert report.succeeded, report.failed_runs
    lake = open_lake(settings)

    def coins(table, column="coin_id"):
        return sorted(lake.rows(table, [column], window)[column].to_pylist())

    assert coins(processed.QUARANTINED_COIN_QUOTES) == sorted([first, second])

    refused = home.call("redrive", "--hour", text, "--release", "999", "--because", "x")
    assert refused.returncode == 2
    assert f"those that have are {first}" in refused.stderr
    assert home.call("redrive", "--hour", "13:07").returncode == 2
    assert home.call("redrive", "--hour", text, "--release", str(first)).returncode == 2

    for _ in range(2):
        done = home.call(
            "redrive", "--hour", text, "--release", str(first), "--because", "it is so"
        )
        assert done.returncode == 0, done.stderr
        assert coins(processed.QUARANTINED_COIN_QUOTES) == [second]
        assert len(coins(processed.COIN_QUOTES)) == 9
        assert all(coins(processed.LEDGER, "balanced"))

    done = home.call("redrive", "--hour", text, "--from-source")
    assert done.returncode == 0, done.stderr
    assert coins(processed.QUARANTINED_COIN_QUOTES) == []
    assert len(coins(processed.COIN_QUOTES)) == 10
    prices = dict(
        zip(snapshot.quotes["coin_id"].to_list(), snapshot.quotes["price"].to_list(), strict=True)
    )
    held = lake.rows(processed.COIN_QUOTES, ["coin_id", "price"], window).to_pylist()
    assert {row["coin_id"]: row["price"] for row in held} == prices
