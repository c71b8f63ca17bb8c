"""How many records may vanish at once."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.core.guard import FLOOR, DeletionLimit


@pytest.mark.parametrize(
    ("limit", "of", "allowed"),
    [
        pytest.param(DeletionLimit(), 0, 5, id="an empty connection"),
        pytest.param(DeletionLimit(), 50, 5, id="a tenth of 50 is the floor"),
        pytest.param(DeletionLimit(), 59, 5, id="below one more the share is rounded down"),
        pytest.param(DeletionLimit(), 60, 6, id="a tenth of 60 is more than the floor"),
        pytest.param(DeletionLimit(), 1000, 100, id="a tenth by default"),
        pytest.param(DeletionLimit(share=Fraction(1, 2)), 8, 5, id="half of little is the floor"),
        pytest.param(DeletionLimit(share=Fraction(1, 2)), 100, 50, id="half"),
        pytest.param(DeletionLimit(share=Fraction(29, 100)), 100, 29, id="exact, where a float would lose one"),
        pytest.param(DeletionLimit(share=Fraction(1)), 100, 100, id="all"),
        pytest.param(DeletionLimit(share=Fraction(0)), 1000, 5, id="no share is the floor"),
        pytest.param(DeletionLimit(share=None), 1000, 5, id="neither share nor number is the floor"),
        pytest.param(DeletionLimit(count=3), 1000, 3, id="a number stands below the floor"),
        pytest.param(DeletionLimit(count=0), 1000, 0, id="none at all"),
        pytest.param(DeletionLimit(count=70), 10, 70, id="a number does not depend on the size"),
    ],
)
def test_up_to_the_limit_and_not_beyond(limit: DeletionLimit, of: int, allowed: int) -> None:
    """As many deletions as the limit says are carried out, and with one more none is."""
    assert limit.limit(of) == allowed
    assert limit.allows(0, of)
    assert limit.allows(allowed, of)
    assert not limit.allows(allowed + 1, of)


@given(share=st.fractions(0, 1), of=st.integers(0, 100_000), vanished=st.integers(0, 100_000))
def test_beyond_the_floor_never_more_than_the_share(share: Fraction, of: int, vanished: int) -> None:
    """What is allowed is at most the floor or at most the share, and fewer deletions are never worse than more."""
    limit = DeletionLimit(share=share)
    assert limit.allows(vanished, of) == (vanished <= FLOOR or vanished <= share * of)
