"""What is kept for good is looked at no more; what comes later still is."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from core.memory import keep_what_is_there


class Knot:
    """Refers to itself, so that only the collector can let go of it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _looked_at_again_afterwards() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_is_there_stays_and_what_comes_later_goes() -> None:
    earlier = Knot()
    kept = weakref.ref(earlier)
    keep_what_is_there()
    later = Knot()
    gone = weakref.ref(later)
    del earlier, later
    gc.collect()
    assert kept() is not None
    assert gone() is None
