"""XML that a hostile or broken server might send."""

from __future__ import annotations

import pytest

from tasksync.connectors.capsule import v1_xml
from tasksync.connectors.capsule.mapping import Unreadable

BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><task><description>&c;</description></task>"""
EXTERNAL = b'<!DOCTYPE task [<!ENTITY x SYSTEM "file:///etc/passwd">]><task><description>&x;</description></task>'


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (BOMB, "with a DTD"),
        (EXTERNAL, "with a DTD"),
        (b"<!DOCTYPE task><task/>", "with a DTD"),
        (b'<!DOCTYPE task SYSTEM "http://127.0.0.1/x.dtd"><task/>', "with a DTD"),
        (b"<task><description>&x;</description></task>", "no XML"),
        (b"", "no XML"),
        (b"<task>", "no XML"),
        (b"<task/><task/>", "no XML"),
        (b"<task>\xff\xfe</task>", "no XML"),
        (b"<task>&#0;</task>", "no XML"),
        (b'{"task": {}}', "no XML"),
        (b'<?xml version="1.0" encoding="no-such"?><task/>', "no XML"),
        (b'<?xml version="1.0" encoding="utf-7"?><task/>', "no XML"),
        (b"<a>" * 17 + b"</a>" * 17, "nested too deeply"),
        (b"<a>" * 100_000 + b"</a>" * 100_000, "nested too deeply"),
        (b" " * (v1_xml.LONGEST_BYTES + 1), "more XML than"),
    ],
    ids=lambda value: value[:20].decode("utf-8", "replace") if isinstance(value, bytes) else None,
)
def test_hostile_and_broken_documents_are_refused(body: bytes, message: str) -> None:
    """Entities, DTDs, damage, depth and length end in one kind of error."""
    with pytest.raises(Unreadable, match=message):
        v1_xml.parse(body)


def test_siblings_do_not_count_as_depth() -> None:
    """A long flat list is no deep document."""
    assert len(v1_xml.parse(b"<a>" + b"<b><c/></b>" * 1000 + b"</a>")) == 1000


def test_rendered_documents_are_utf8_with_a_declaration_and_paired_tags() -> None:
    """What is sent looks like Capsule's own samples."""
    root = v1_xml.parse("<task><description>é</description><detail/></task>".encode())
    sent = v1_xml.render(root)
    assert sent.startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
    assert sent.endswith("<task><description>é</description><detail></detail></task>".encode())


def test_forms_tell_elements_apart() -> None:
    """Texts, names, attributes and their places count; where a document was cut into elements does not matter."""
    same, other = (
        b'<a x="1"><b>2</b><c/></a>',
        (
            b'<a x="2"><b>2</b><c/></a>',
            b'<a y="1"><b>2</b><c/></a>',
            b'<a x="1"><b>3</b><c/></a>',
            b'<a x="1"><d>2</d><c/></a>',
            b'<a x="1"><c/><b>2</b></a>',
            b'<a x="1"><b>2</b></a>',
        ),
    )
    form = v1_xml.form(v1_xml.parse(same))
    assert v1_xml.form(v1_xml.parse(b"<r>" + same + b"</r>")[0]) == form
    assert form not in {v1_xml.form(v1_xml.parse(one)) for one in other}
