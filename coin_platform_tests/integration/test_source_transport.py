"""Requests over real HTTP: what is tried again, how long it waits, and where the key goes."""

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest

from coin_platform.errors import PermanentError, SettingsError, TransientError
from coin_platform.resources.coinmarketcap.transport import KEY_HEADER, Patience, Transport
from coin_platform.simulator.faults import Fault
from coin_platform.simulator.loopback import LoopbackServer, Reply
from coin_platform.simulator.server import SimulatedMarket

LISTING = "/v3/cryptocurrency/listings/latest"
KEY = "b54bcf4d-1bca-4e8e-9a24-22ff2c3d462c"


class Clock:
    """Stands still but for the sleeps, which it notes."""

    def __init__(self, now=datetime(2026, 11, 22, 14, 23, 11, tzinfo=UTC)):
        self.now = now
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


def asked(*faults, clock=None, patience=Patience()):  # noqa: B008 - frozen
    """One request to a market with these faults: the answer, the sleeps, the number of requests."""
    clock = clock or Clock()
    with SimulatedMarket(coins=10, clock=clock, faults=faults) as market:
        transport = Transport(market.url, KEY, patience=patience, clock=clock, sleep=clock.sleep)
        try:
            outcome = transport.get(LISTING, {"limit": 5})
        except (PermanentError, TransientError) as error:
            outcome = error
        transport.close()
        return outcome, clock.slept, len(market.requests)


@pytest.mark.parametrize("kind", ["html", "cut_off", "half_json", 500])
def test_a_failing_server_is_asked_again_with_growing_jittered_pauses(kind):
    answer, slept, requests = asked(Fault(kind, times=3))
    assert len(answer.data) == 5
    assert requests == 4
    assert all(0.5 * 2**n <= pause <= 2**n for n, pause in enumerate(slept))


def test_a_server_that_says_nothing_is_asked_again():
    answer, _, requests = asked(Fault("silent"), patience=Patience(read_seconds=0.2))
    assert (len(answer.data), requests) == (5, 2)


@pytest.mark.parametrize("code", [1008, 1011, 1022])
def test_throttling_waits_as_long_as_it_was_told_to(code):
    answer, slept, _ = asked(Fault(code, retry_after=7))
    assert len(answer.data) == 5
    assert slept == [7]


def test_throttling_without_a_wait_named_waits_for_the_next_minute():
    clock = Clock()
    _, slept, _ = asked(Fault(1008), clock=clock)
    assert 49 <= slept[0] <= 50


@pytest.mark.parametrize("code", [1001, 1002, 1003, 1004, 1005, 1006, 1007, 1009, 1010, 400, 4001])
def test_an_error_that_stays_is_not_asked_for_twice(code):
    error, slept, requests = asked(Fault(code, times=9))
    assert isinstance(error, PermanentError)
    assert (slept, requests) == ([], 1)


def test_attempts_are_bounded():
    error, slept, requests = asked(Fault("html", times=99))
    assert isinstance(error, TransientError)
    assert "Gave up after 6 of 6 attempts" in str(error)
    assert (requests, len(slept)) == (6, 5)


def test_the_total_time_is_bounded_and_no_wait_is_begun_that_exceeds_it():
    error, slept, requests = asked(Fault(1008, retry_after=3600))
    assert isinstance(error, TransientError)
    assert "due in 3600 s" in str(error)
    assert (slept, requests) == ([], 1)


def test_retry_after_may_be_a_date():
    replies = iter(
        [
            Reply(b"{}", 429, {"Retry-After": "Sun, 22 Nov 2026 14:23:41 GMT"}),
            Reply(b'{"status": {"error_code": 0}, "data": []}'),
        ]
    )
    clock = Clock()
    with LoopbackServer(lambda _: next(replies)) as server:
        Transport(server.url, KEY, clock=clock, sleep=clock.sleep).get("/x")
    assert clock.slept == [30]


def test_a_refused_connection_is_transient_and_says_so_plainly():
    with LoopbackServer(lambda _: Reply(b"")) as server:
        url = server.url
    clock = Clock()
    with pytest.raises(TransientError, match="Connection refused"):
        Transport(url, KEY, clock=clock, sleep=clock.sleep).get("/x")


@pytest.mark.parametrize(
    "body", [{"data": []}, {"status": {"error_code": 0}}, {"status": {"error_code": "zero"}}]
)
def test_an_answer_of_an_unknown_form_is_permanent(body):
    with (
        LoopbackServer(lambda _: Reply(json.dumps(body).encode())) as server,
        pytest.raises(PermanentError, match=r"without status\.error_code or data"),
    ):
        Transport(server.url, KEY).get("/x")


def test_status_gives_credits_and_time_and_the_header_marks_simulated_answers():
    answer, _, _ = asked()
    assert (answer.credits, answer.timestamp, answer.simulated) == (1, Clock().now, True)


def test_the_key_travels_in_the_header_only_and_keyless_requests_take_the_public_path():
    seen = []

    def respond(request):
        seen.append(request)
        return Reply(b'{"status": {"error_code": "0"}, "data": [], "more": 1}')

    with LoopbackServer(respond) as server:
        Transport(server.url, KEY).get(LISTING, {"limit": 1})
        assert Transport(server.url).get(LISTING).endpoint == "/public-api" + LISTING
    keyed, keyless = seen
    assert keyed.headers[KEY_HEADER.lower()] == KEY
    assert (keyed.path, dict(keyed.query)) == (LISTING, {"limit": "1"})
    assert KEY_HEADER.lower() not in keyless.headers
    assert keyless.path == "/public-api" + LISTING


def test_the_key_does_not_follow_a_redirect():
    seen = []

    def elsewhere(request):
        seen.append(request)
        return Reply(b"{}")

    with LoopbackServer(elsewhere) as other:
        moved = Reply(b"", 302, {"Location": other.url})
        with LoopbackServer(lambda _: moved) as server, pytest.raises(PermanentError, match="302"):
            Transport(server.url, KEY).get("/x")
    assert seen == []


def test_a_vendor_that_repeats_the_key_does_not_bring_it_into_messages_or_logs(caplog):
    echo = {"status": {"error_code": 500, "error_message": f"key {KEY} failed"}}
    clock = Clock()
    with (
        caplog.at_level(logging.DEBUG, logger="coin_platform"),
        LoopbackServer(lambda _: Reply(json.dumps(echo).encode(), 500)) as server,
    ):
        transport = Transport(server.url, KEY, clock=clock, sleep=clock.sleep)
        with pytest.raises(TransientError, match=r"key \*\*\* failed"):
            transport.get("/x")
    assert KEY not in caplog.text + repr(transport) + str(vars(transport)["_session"])


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "quote\u201d"])
def test_a_key_that_cannot_be_one_is_refused_without_showing_it(key):
    with pytest.raises(SettingsError) as raised:
        Transport("https://pro-api.coinmarketcap.com", key)
    assert not key or key not in str(raised.value)


def test_a_key_is_not_sent_in_the_clear():
    with pytest.raises(SettingsError, match="https only"):
        Transport("http://pro-api.coinmarketcap.com", KEY)
