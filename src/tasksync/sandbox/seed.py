"""Sample tasks of one small firm of financial advisers, which has typed part of them into several CRMs by hand.

Days are relative to now, so that the samples never age. Within one CRM no two tasks share title and due day, and the
same task is done in every CRM that has it, or in none: first meetings have nothing ambiguous in them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from tasksync.sandbox.crm import Crm

_LONG_TITLE = (
    "Prepare the annual review pack for the Fairfield Joinery group scheme: valuation statements of all members, "
    "contribution history since the last review, the provider's charges before and after the April change, projected "
    "benefits at three retirement ages, and a covering letter in plain English for the trustees"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """`day`: days from today. `at`: time of day in London. `made`, `touched`: how many hours ago. `bodies`: the CRMs
    that have the task, each with what was typed there. `details`: fields that only some CRMs have.
    """

    title: str
    day: int
    bodies: dict[str, str]
    at: time | None = None
    done: bool = False
    made: int = 72
    touched: int | None = None
    details: dict[str, dict[str, Any]] = field(default_factory=dict)


_SAMPLES = (
    _Sample(
        title="Chase ceding provider for transfer pack",
        day=1,
        at=time(9, 30),
        bodies={
            "onlyoffice": "Ring the pensions desk, quote the policy number.",
            "capsule": "Second call. Ask for Jo.\nExtension 12.",
            "plannr": "Provider promised the pack within ten working days.",
        },
        made=120,
        touched=26,
        details={
            "onlyoffice": {"category": "Call", "reminder": 60, "contact": 17, "link": {"type": "case", "id": "8"}},
            "capsule": {"category": "Call", "link": {"type": "kase", "id": "640"}},
            "plannr": {
                "priority": "high",
                "link": {"type": "case", "id": "b7a9c0de-52c4-4b0e-8a57-2f4f0c9ad002"},
            },
        },
    ),
    _Sample(
        title="Annual review with Zoë Ångström",
        day=6,
        at=time(14, 0),
        bodies={
            "onlyoffice": "At her office. Bring the ISA valuation.",
            "capsule": "Coffee first, then the numbers.",
        },
        made=200,
        details={
            "onlyoffice": {"category": "Meeting", "contact": 22},
            "capsule": {"category": "Meeting", "link": {"type": "party", "id": "305"}},
        },
    ),
    _Sample(
        title="File suitability letter",
        day=3,
        bodies={"capsule": "Signed copy to the client file.", "plannr": "Signed copy is in the post tray."},
        made=96,
        details={"capsule": {"category": "Send"}, "plannr": {"priority": "medium", "status": "Doing"}},
    ),
    _Sample(
        title="Send fact find to Owen Price",
        day=-2,
        bodies={"onlyoffice": "Sent by post, large print.", "plannr": "Large print version."},
        done=True,
        made=160,
        touched=30,
        details={"onlyoffice": {"category": "Email", "contact": 17}, "plannr": {"priority": "medium"}},
    ),
    _Sample(
        title="Book room for the trustees' meeting",
        day=10,
        bodies={"onlyoffice": "Twelve people, projector."},
        details={"onlyoffice": {"category": "Meeting", "contact": 31, "link": {"type": "case", "id": "9"}}},
    ),
    _Sample(
        title="Renew professional indemnity cover",
        day=21,
        bodies={"onlyoffice": "Compare with last year's quote before signing."},
        details={"onlyoffice": {"category": "Deal", "reminder": 1440}},
    ),
    _Sample(
        title="Thank-you card for the Fairfield referral",
        day=2,
        bodies={"onlyoffice": ""},
        details={"onlyoffice": {"category": "Thank you", "contact": 31}},
    ),
    _Sample(
        title="Lunch with the accountants: Müller & Söhne",
        day=4,
        at=time(12, 30),
        bodies={"onlyoffice": "Table is booked under Reid."},
        details={"onlyoffice": {"category": "Lunch", "reminder": 30}},
    ),
    _Sample(
        title="Order new letterhead",
        day=-5,
        bodies={"onlyoffice": "500 sheets."},
        done=True,
        made=240,
        touched=100,
        details={"onlyoffice": {"category": "Note"}},
    ),
    _Sample(
        title=_LONG_TITLE,
        day=14,
        bodies={"capsule": "The trustees meet on the Thursday after."},
        details={"capsule": {"category": "Milestone", "link": {"type": "party", "id": "311"}}},
    ),
    _Sample(
        title="Ring about delivery of the signed forms",
        day=0,
        at=time(16, 45),
        bodies={"capsule": ""},
        details={"capsule": {"category": "Call"}},
    ),
    _Sample(
        title="Follow up ISA top-up before the tax year ends",
        day=30,
        bodies={"capsule": "She wants the cash ISA moved as well.\n\n- old provider: two accounts\n- new: one"},
        details={"capsule": {"category": "Follow-up", "link": {"type": "opportunity", "id": "88"}}},
    ),
    _Sample(
        title="Newsletter: proof-read the spring issue",
        day=-1,
        bodies={"capsule": "Page 3 was the problem last time."},
        done=True,
        made=140,
        touched=20,
        details={"capsule": {"category": "Email"}},
    ),
    _Sample(
        title="Close the books for the last quarter",
        day=-47,
        bodies={"capsule": "All commission statements reconciled."},
        done=True,
        made=1500,
        touched=1100,
    ),
    _Sample(
        title="Update the price list in the brochure",
        day=12,
        bodies={"capsule": "Only the fees page."},
        details={"capsule": {"category": "Follow-up", "owner": "b.osei"}},
    ),
    _Sample(
        title="Check anti-money-laundering documents: Łukasz Żak",
        day=5,
        bodies={"plannr": "Passport expires soon, ask for the new one."},
        details={"plannr": {"priority": "highest"}},
    ),
    _Sample(
        title="Model cash flow at 60, 65 and 67",
        day=8,
        at=time(11, 15),
        bodies={"plannr": "Use 2.5 % and 4 % growth."},
        details={"plannr": {"priority": "low", "link": {"type": "plan", "id": "5c1695df-0be1-48e2-9b01-71f8495a672f"}}},
    ),
    _Sample(
        title="Request valuation: 日本株式 fund",
        day=7,
        bodies={"plannr": "The provider answers by e-mail only."},
        details={"plannr": {"priority": "medium", "owner": "Ben Osei"}},
    ),
    _Sample(
        title="Ask compliance about the new risk questionnaire",
        day=0,
        bodies={"plannr": ""},
        details={"plannr": {"due": None}},
    ),
    _Sample(
        title="Pension transfer: first meeting",
        day=-9,
        at=time(10, 0),
        bodies={"plannr": "Went well; minutes are in the file."},
        done=True,
        made=400,
        touched=210,
        details={"plannr": {"priority": "high"}},
    ),
)


def sample(crm: Crm) -> None:
    """Add the sample tasks that belong into this CRM."""
    now = crm.stamp()
    for one in _SAMPLES:
        if crm.name in one.bodies:
            crm.add(**_fields(one, crm, now))


def _fields(one: _Sample, crm: Crm, now: datetime) -> dict[str, Any]:
    day = crm.today() + timedelta(days=one.day)
    due = day if one.at is None else datetime.combine(day, one.at, crm.zone).astimezone(UTC)
    touched = one.made if one.touched is None else one.touched
    fields: dict[str, Any] = {
        "title": one.title,
        "body": one.bodies[crm.name],
        "due": due,
        "done": one.done,
        "created": now - timedelta(hours=one.made),
        "modified": now - timedelta(hours=touched),
    }
    return fields | one.details.get(crm.name, {})
