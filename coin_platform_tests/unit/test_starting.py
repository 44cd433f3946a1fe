"""The garbage collector during a start: at rest, and afterwards as it was."""

import gc
import weakref

import pytest

from coin_platform.running.starting import collector_at_rest


class Node:
    """Refers to itself, so that only the collector can free it."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def _as_before():
    frozen = gc.get_freeze_count()
    yield
    gc.enable()
    if not frozen:
        gc.unfreeze()


def test_it_works_again_afterwards_even_if_the_start_failed():
    with pytest.raises(ZeroDivisionError), collector_at_rest():
        assert 1 / gc.isenabled()
    assert gc.isenabled()


def test_whoever_had_turned_it_off_finds_it_off():
    gc.disable()
    with collector_at_rest():
        pass
    assert not gc.isenabled()


def test_what_a_later_start_leaves_is_collected():
    with collector_at_rest():
        pass
    with collector_at_rest():
        left = weakref.ref(Node())
    gc.collect()
    assert left() is None
