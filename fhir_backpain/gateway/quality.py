"""The data-quality page: what was refused, and what the mapping or the server rejected."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response

from fhir_backpain.fhir.json_text import FHIR_JSON
from fhir_backpain.gateway.answer import tagged_answer
from fhir_backpain.gateway.description import Answer, described
from fhir_backpain.gateway.gate import needs
from fhir_backpain.gateway.guard import JSON, ensure_accepts, ensure_parameters
from fhir_backpain.gateway.html import page
from fhir_backpain.gateway.services import Services, services
from fhir_backpain.outbox.entry import Entry, State
from fhir_backpain.outcome import CATALOGUE

blueprint = Blueprint("quality", __name__)

QUALITY = "/quality"
_STATES: tuple[State, ...] = ("rejected", "conflict", "held")
_PAGE, _MOST = 500, 5000
_SHOWN = 3
_INDEX = re.compile(r"\[\d+\]|/\d+(?=/|$)")
_POINTER = re.compile(r" at (/[^;]*)")


@dataclass(slots=True)
class Group:
    """Deliveries that came to nothing for the same reason at the same place; none is counted twice.

    `entries` are the first of them.
    """

    state: str
    message: str
    code: str
    place: str
    count: int = 0
    entries: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """What the message is called."""
        number = self.message.removeprefix("FBP-")
        known = CATALOGUE.get(int(number)) if number.isdecimal() else None
        return known.title if known else self.code

    def to_json(self) -> dict[str, Any]:
        """Return the group as JSON data."""
        return {
            "state": self.state,
            "message": self.message,
            "title": self.title,
            "code": self.code,
            "place": self.place,
            "count": self.count,
            "deliveries": [f"/api/v1/deliveries/{one}" for one in self.entries],
        }


@dataclass(frozen=True, slots=True)
class Quality:
    """The groups, the most frequent first; `is_whole` is False where not all were read."""

    groups: list[Group]
    is_whole: bool


@blueprint.get(QUALITY)
@needs("read")
def show() -> Response:
    """Show what kept records out, by field, with links to messages."""
    ensure_accepts("text/html")
    ensure_parameters()
    shared = services()
    refusals = [one.to_json() for one in shared.refusals.rows()]
    return page("quality.html", refusals=refusals, quality=quality_of(shared))


@blueprint.get("/api/v1/quality")
@needs("read")
@described({200: Answer("What kept records out.", "Quality")})
def index() -> Response:
    """Show what was refused at the door, and what the mapping or the server rejected, by field."""
    ensure_accepts(JSON, FHIR_JSON)
    ensure_parameters()
    shared = services()
    found = quality_of(shared)
    return tagged_answer(
        {
            "refused": [one.to_json() for one in shared.refusals.rows()],
            "rejected": [one.to_json() for one in found.groups],
            "is_whole": found.is_whole,
        }
    )


def quality_of(shared: Services) -> Quality:
    """Return why deliveries were rejected, are in conflict or held, read from their rows."""
    groups: dict[tuple[str, ...], Group] = {}
    read = 0
    for entry in _entries(shared):
        read += 1
        for key in dict.fromkeys(_reasons(entry)):
            group = groups.setdefault(key, Group(*key))
            group.count += 1
            if len(group.entries) < _SHOWN:
                group.entries.append(entry.id)
    ordered = sorted(groups.values(), key=lambda one: (-one.count, one.message, one.place))
    return Quality(ordered, is_whole=read < _MOST)


def _entries(shared: Services) -> Iterator[Entry]:
    left = _MOST
    for state in _STATES:
        after = None
        while left > 0:
            found = shared.store.entries(
                shared.settings.server, state, after=after, limit=min(_PAGE, left)
            )
            yield from found
            left -= len(found)
            if len(found) < _PAGE:
                break
            after = found[-1].id


def _reasons(entry: Entry) -> Iterator[tuple[str, str, str, str]]:
    issues = (entry.outcome or {}).get("issue", [])
    for issue in issues or [{"code": "incomplete"}]:
        if issue.get("severity") in ("warning", "information"):
            continue
        number = next((one["valueString"] for one in issue.get("extension", [])
                       if "valueString" in one), "")  # fmt: skip
        yield entry.state, number, str(issue.get("code", "")), _place(issue)


def _place(issue: dict[str, Any]) -> str:
    """Return the element or field that an issue is about, without the numbers of its places."""
    expressions = issue.get("expression") or []
    if expressions:
        return _INDEX.sub("", str(expressions[0]))
    pointer = _POINTER.search(str(issue.get("diagnostics", "")))
    return _INDEX.sub("", pointer[1]).strip("/").replace("/", ".") if pointer else ""
