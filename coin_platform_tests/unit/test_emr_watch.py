"""Waiting for a submission and withdrawing it, with a runner that lives in memory."""

from dataclasses import dataclass, field

import pytest

from coin_platform.errors import PermanentError, TransientError
from coin_platform.resources.engine.emr.runner import Runner, State, Status, Submission
from coin_platform.resources.engine.emr.watch import Pace, wait, withdraw

PACE = Pace(poll=0.001, most_poll=0.002, failing=0.05, cancel=0.01)
SUBMISSION = Submission("j-1", "s-1")
THROTTLED = TransientError("throttled")


@dataclass
class FakeRunner(Runner):
    """Answers with these states, of which the last one stays; an error is raised."""

    answers: list[State | Exception]
    heeds: bool | None = None
    cancelled: list[bool] = field(default_factory=list)

    def submit(self, script, progress):
        return SUBMISSION

    def status(self, submission):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Status(answer)

    def cancel(self, submission, *, by_force):
        self.cancelled.append(by_force)
        if self.heeds is by_force:
            self.answers = [State.CANCELLED]

    def log_keys(self, submission):
        return []

    def probe(self):
        return ""


def nothing():
    pass


def ignore(_):
    pass


def test_the_last_status_is_given_and_the_end_is_listened_to():
    heard, told = [], []
    runner = FakeRunner([State.WAITING, State.RUNNING, State.RUNNING, State.DONE])
    status = wait(runner, SUBMISSION, lambda: heard.append(1), told.append, PACE)
    assert status.state is State.DONE
    assert len(heard) == 4
    assert told == ["s-1 on j-1: running", "s-1 on j-1: done"]


def test_calls_that_fail_for_a_while_are_waited_out():
    runner = FakeRunner([State.RUNNING, *[THROTTLED] * 5, State.DONE])
    assert wait(runner, SUBMISSION, nothing, ignore, PACE).state is State.DONE


def test_messages_that_cannot_be_read_at_the_end_are_asked_for_again():
    failing = [THROTTLED, THROTTLED]

    def listen():
        if failing:
            raise failing.pop()

    runner = FakeRunner([State.DONE])
    assert wait(runner, SUBMISSION, listen, ignore, PACE).state is State.DONE
    assert failing == []


def test_calls_that_fail_for_too_long_are_told():
    with pytest.raises(TransientError, match="throttled"):
        wait(FakeRunner([THROTTLED]), SUBMISSION, nothing, ignore, PACE)


def test_what_cannot_get_better_is_told_at_once():
    with pytest.raises(PermanentError, match="denied"):
        wait(FakeRunner([PermanentError("denied")]), SUBMISSION, nothing, ignore, PACE)


def test_a_script_that_runs_for_too_long_is_told_with_the_setting():
    with pytest.raises(PermanentError, match="COIN_PLATFORM_EMR_STEP_TIMEOUT_MINUTES"):
        wait(FakeRunner([State.RUNNING]), SUBMISSION, nothing, ignore, PACE, timeout_minutes=0.0001)


def test_the_time_that_a_cluster_takes_to_start_does_not_count():
    runner = FakeRunner([*[State.WAITING] * 30, State.DONE])
    assert (
        wait(runner, SUBMISSION, nothing, ignore, PACE, timeout_minutes=0.0001).state is State.DONE
    )


@pytest.mark.parametrize(
    ("heeds", "calls"), [(False, [False]), (True, [False, True]), (None, [False, True])]
)
def test_an_interrupt_comes_before_force(heeds, calls):
    runner = FakeRunner([State.RUNNING], heeds)
    withdraw(runner, SUBMISSION, PACE)
    assert runner.cancelled == calls


def test_withdrawing_hides_no_other_error(caplog):
    withdraw(FakeRunner([THROTTLED]), SUBMISSION, PACE)
    assert "throttled" in caplog.text
    assert "s-1 on j-1 was cancelled and is not over yet" in caplog.text
