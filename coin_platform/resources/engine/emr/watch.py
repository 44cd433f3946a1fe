"""Waiting for a submission, through calls that fail for a while, and withdrawing it."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from coin_platform.errors import PermanentError, PlatformError, TransientError
from coin_platform.resources.engine.emr.runner import Progress, Runner, State, Status, Submission

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """How long to wait for what, in seconds; tests are in more of a hurry."""

    poll: float = 5
    most_poll: float = 60
    failing: float = 600
    """How long calls may fail before the submission is given up."""
    logs: float = 120
    cancel: float = 60
    """How long a script may take to heed an interrupt, and a process to end."""


def wait(  # noqa: PLR0913  whom to ask for what, whom to tell, how long
    runner: Runner,
    submission: Submission,
    listen: Callable[[], None],
    progress: Progress,
    pace: Pace,
    timeout_minutes: float = 0,
) -> Status:
    """Wait until the submission is over, listening to it meanwhile, and give its last status.

    What becomes of it is told as progress.
    Raises `PermanentError` when it ran for longer than the timeout, where there is one, and
    `TransientError` when AWS did not answer for longer than `pace.failing`; it is then not over.
    """
    started: float | None = None
    seen = State.WAITING
    answered, pause = time.monotonic(), pace.poll
    while True:
        try:
            status = runner.status(submission)
            listen()
        except TransientError:
            # Others ask as well, and each of us asks less often the longer it lasts.
            if time.monotonic() - answered > pace.failing:
                raise
            pause = min(2 * pause, pace.most_poll)
        else:
            answered, pause = time.monotonic(), pace.poll
            if status.state is not seen:
                seen = status.state
                progress(f"{submission}: {seen.value}")
            if status.state.is_over:
                return status
            if status.state is State.RUNNING and started is None:
                started = time.monotonic()
            if started and timeout_minutes and time.monotonic() - started > timeout_minutes * 60:
                raise PermanentError(
                    f"{submission} ran for longer than {timeout_minutes} minutes and was "
                    "cancelled: COIN_PLATFORM_EMR_STEP_TIMEOUT_MINUTES allows no more"
                )
        time.sleep(pause)


def withdraw(runner: Runner, submission: Submission, pace: Pace) -> None:
    """End the submission: by an interrupt, then by force. Raises nothing but interruptions."""
    for by_force in (False, True):
        try:
            runner.cancel(submission, by_force=by_force)
            if is_over_within(runner, submission, pace):
                return
        except PlatformError as error:
            log.warning("%s", error)
    log.warning("%s was cancelled and is not over yet", submission)


def is_over_within(runner: Runner, submission: Submission, pace: Pace) -> bool:
    end = time.monotonic() + pace.cancel
    while True:
        if runner.status(submission).state.is_over:
            return True
        if time.monotonic() >= end:
            return False
        time.sleep(min(pace.poll, 1))
