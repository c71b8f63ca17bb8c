"""References and their parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.core.reference import Reference, is_reference, only_own, parse

words = st.text(st.characters(exclude_characters=":"), min_size=1)


@given(connection=words, type_=words, id_=st.text(min_size=1))
def test_a_reference_survives_being_text(connection: str, type_: str, id_: str) -> None:
    """Parsing is the inverse of writing, whatever stands in the id."""
    reference = Reference(connection=connection, type=type_, id=id_)
    assert is_reference(str(reference))
    assert parse(str(reference)) == reference


@given(st.text(":ab", max_size=7) | st.text())
def test_text_survives_being_a_reference(text: str) -> None:
    """What is a reference is written as it was read, and nothing else is read."""
    if is_reference(text):
        assert str(parse(text)) == text
    else:
        with pytest.raises(ValueError, match="is no reference"):
            parse(text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("office:contact:123", ("office", "contact", "123"), id="an id"),
        pytest.param("office:person:urn:uuid:1", ("office", "person", "urn:uuid:1"), id="an id with colons"),
        pytest.param("office:person: ", ("office", "person", " "), id="a blank id is one"),
    ],
)
def test_the_parts_of_a_reference(text: str, parts: tuple[str, str, str]) -> None:
    """Connection and type end at the first two colons; the rest is the id."""
    found = parse(text)
    assert (found.connection, found.type, found.id) == parts


@pytest.mark.parametrize(
    "text", ["", ":", "::", "office", "office:contact", "office:contact:", "office::1", ":contact:1", "::1"]
)
def test_what_lacks_a_part_is_no_reference(text: str) -> None:
    """All three parts are needed, and the message shows what a reference looks like."""
    assert not is_reference(text)
    with pytest.raises(ValueError, match="those look like office:contact:123"):
        parse(text)


@pytest.mark.parametrize(
    ("reference", "known"),
    [("office:contact:1", True), ("office:person:1", True), ("office2:contact:1", False), ("capsule:contact:1", False)],
)
def test_a_connection_knows_its_own(reference: str, *, known: bool) -> None:
    """A reference of the connection is called the same there; of no other anything is known."""
    assert only_own("office")(reference) == (reference if known else None)
