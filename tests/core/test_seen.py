"""The ids that a listing has shown."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.core.seen import Seen

# Half characters, too: CRMs cut some in two.
ids = st.text(st.characters(codec=None) | st.sampled_from("\ud83d\ude00\0"), max_size=5)


@given(st.lists(st.lists(ids, max_size=6), max_size=6))
def test_ids_are_read_as_they_were_added(pages: list[list[str]]) -> None:
    """Whatever characters they have, however they are spread over pages, and as often as they came."""
    seen = Seen()
    for page in pages:
        seen.add(page)
    assert list(seen) == list(chain.from_iterable(pages))


@given(st.lists(st.lists(st.text("1", max_size=4), max_size=4), max_size=4))
def test_each_id_counts_once(pages: list[list[str]]) -> None:
    """Also when it comes on several pages, and when it was counted in between."""
    seen, different = Seen(), set[str]()
    for page in pages:
        seen.add(page)
        different.update(page)
        assert seen.count() == len(different)


def test_different_ids_of_one_hash_count_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal hashes decide nothing."""
    monkeypatch.setattr("tasksync.core.seen.hash", len, raising=False)
    seen = Seen()
    seen.add(["12", "13", "1"])
    seen.add(["12", "21"])
    assert seen.count() == 4


def test_it_is_empty_until_there_is_an_id() -> None:
    """A page without any shows nothing."""
    seen = Seen()
    seen.add([])
    assert (bool(seen), seen.count()) == (False, 0)
    seen.add([""])
    assert (bool(seen), seen.count()) == (True, 1)
