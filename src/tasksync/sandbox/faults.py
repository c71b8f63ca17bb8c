"""What can go wrong between a CRM and its client, on demand."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Kind = Literal["status", "lose_before", "lose_after", "slow", "garbage", "html", "cut"]

_WORK_IS_DONE: dict[str, bool] = {
    "status": False,
    "lose_before": False,
    "lose_after": True,
    "slow": True,
    "garbage": True,
    "html": False,
    "cut": True,
}


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


class Fault(BaseModel):
    """One thing that goes wrong with the requests that match `method` and `path` (searched in path and query).

    - status: an answer with `status` and `headers`
    - lose_before, lose_after: the connection ends without an answer, before or after the work
    - slow: the work begins `seconds` late
    - garbage: status 200 and a body that is damaged JSON or XML
    - html: status 200 and a page of HTML
    - cut: the connection ends in the middle of the body

    The first `after` matching requests pass; then `times` of them go wrong (None: all). Both count down. `work` says
    whether the request is carried out; left open, it is for lose_after, slow, garbage and cut.
    """

    model_config = ConfigDict(extra="forbid")

    do: Kind
    method: str | None = None
    path: Annotated[str, AfterValidator(_pattern)] | None = None
    after: int = Field(default=0, ge=0)
    times: int | None = Field(default=1, ge=1)
    status: int = Field(default=503, ge=200, le=599)
    headers: dict[str, str] = Field(default_factory=dict)
    seconds: float = Field(default=1.0, ge=0)
    work: bool | None = None

    @property
    def works(self) -> bool:
        """Whether the request is carried out all the same."""
        return _WORK_IS_DONE[self.do] if self.work is None else self.work

    def matches(self, method: str, path: str) -> bool:
        """`path` is the whole path with its query, as it stands in the request log."""
        wanted = self.method is None or self.method.upper() == method
        return wanted and (self.path is None or re.search(self.path, path) is not None)


class Faults:
    """The faults of one CRM, tried in the order in which they were added; at most one befalls a request."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, /, do: str, **details: Any) -> None:
        """Raises ValueError (pydantic's) when the description is wrong."""
        self._waiting.append(Fault.model_validate({"do": do, **details}))

    def clear(self) -> None:
        self._waiting.clear()

    def pending(self) -> list[Fault]:
        """Those that still have something to do."""
        return list(self._waiting)

    def strike(self, method: str, path: str) -> Fault | None:
        """The fault that befalls this request; counts it."""
        for fault in self.pending():
            if not fault.matches(method, path):
                continue
            if fault.after:
                fault.after -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if not fault.times:
                    self._waiting.remove(fault)
            return fault
        return None
