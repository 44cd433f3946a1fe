"""A delivery is whole or not there, wherever the worker dies."""

from dataclasses import replace
from itertools import count

import pytest

from coin_platform.errors import PermanentError
from coin_platform.resources.replication.journal import Journal, JournalFile, TableRecord
from coin_platform.resources.replication.source_column import SourceColumn

COLUMNS = [SourceColumn("id", 20, -1)]


class DiedError(Exception):
    """The worker was killed here."""


class DyingJournalFile(JournalFile):
    """Dies before the step of the given number; a step is a save or a move."""

    def __init__(self, *arguments, lives_for):
        super().__init__(*arguments)
        self.steps_left = lives_for

    def save(self, journal):
        self._step()
        super().save(journal)

    def _move(self, staged, final):
        self._step()
        super()._move(staged, final)

    def _step(self):
        if self.steps_left == 0:
            raise DiedError
        self.steps_left -= 1


@pytest.fixture
def place(tmp_path):
    return tmp_path / "journal.json", tmp_path / "lake", ".task"


def staged(journals, *names):
    files = []
    for name in names:
        path = journals.staging / name
        path.write_text(name)
        files.append((path, journals.folder / name / "new"))
    return files


def visible(lake):
    return {str(path.relative_to(lake)) for path in lake.rglob("*") if path.is_file()}


def test_wherever_a_delivery_breaks_off_it_is_later_whole_or_not_there(place):
    outcomes = set()
    for lives_for in count():
        journals = DyingJournalFile(*place, lives_for=-1)
        journals.recover()
        before = Journal("slot", position=1)
        journals.save(before)
        files = staged(journals, "a", "b")
        journals.steps_left = lives_for
        try:
            journals.deliver(replace(before, position=2), files)
            finished = True
        except DiedError:
            finished = False
        journal = JournalFile(*place).recover()

        files = {"raw/market/a/new", "raw/market/b/new"} if journal.position == 2 else set()
        assert visible(place[1]) == files
        assert journal.moves == []
        outcomes.add(journal.position)
        for name in files:
            (place[1] / name).unlink()
        if finished:
            break
    assert outcomes == {1, 2}
    assert lives_for > 3


def test_files_of_an_earlier_load_go_when_the_new_ones_come(place):
    journals = JournalFile(*place)
    journals.recover()
    journals.deliver(Journal("slot"), staged(journals, "a"))
    old = journals.folder / "a" / "old"
    old.write_text("old")
    journal = Journal("slot", removals=["raw/market/a/old"])

    journals.deliver(journal, staged(journals, "a"))

    assert visible(place[1]) == {"raw/market/a/new"}


def test_a_journal_comes_back_as_it_was_saved(place):
    journals = JournalFile(*place)
    record = TableRecord(7, COLUMNS, "Table completed", inserts=3, last_error="é")
    journal = Journal("slot", True, 2**60, 5, 6, 7, {"t": record})

    journals.save(journal)

    assert JournalFile(*place).read() == journal


def test_files_that_vanished_before_they_were_delivered_are_reported(place):
    journals = DyingJournalFile(*place, lives_for=1)
    journals.staging.mkdir(parents=True)
    with pytest.raises(DiedError):
        journals.deliver(Journal("slot"), staged(journals, "a"))
    (journals.staging / "a").unlink()

    with pytest.raises(PermanentError, match="reload-target"):
        JournalFile(*place).recover()


def test_a_damaged_journal_is_no_new_task(place):
    place[0].write_text("{")

    with pytest.raises(PermanentError, match="is not a journal"):
        JournalFile(*place).read()
