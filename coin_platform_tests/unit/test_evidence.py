"""What the page takes for a check that has not looked: never one of a run that ended meanwhile."""

from coin_platform.defs.serving import evidence
from coin_platform.site.evidence import Judged, State


def look(state):
    return [Judged("curated/top_prices", "has_rows", "2026-03-10", state)]


def judged_by(looks, monkeypatch):
    """What comes of these looks, one after another, and how many of them were taken."""
    taken = []

    def one(*_):
        taken.append(looks[len(taken)])
        return iter(taken[-1])

    monkeypatch.setattr(evidence, "unsettled", one)
    return evidence.judged(None, [], []), len(taken)


def test_a_run_that_ends_between_two_questions_is_asked_about_again(monkeypatch):
    assert judged_by([look(State.STALE), []], monkeypatch) == ([], 2)
    assert judged_by([look(State.NEVER), look(State.PENDING)], monkeypatch) == (
        look(State.PENDING),
        2,
    )


def test_what_has_failed_or_passed_is_taken_at_the_first_look(monkeypatch):
    assert judged_by([look(State.FAILED)], monkeypatch) == (look(State.FAILED), 1)
    assert judged_by([[]], monkeypatch) == ([], 1)


def test_a_check_that_does_not_look_is_said_in_the_end(monkeypatch):
    found, looks = judged_by([look(State.STALE)] * evidence.LOOKS, monkeypatch)
    assert (found, looks) == (look(State.STALE), evidence.LOOKS)
