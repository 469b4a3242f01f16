"""What the interactions take and give, whether they come alone or in a bundle entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fhir_backpain.outcome import Issue
from fhir_backpain.sandbox.store import Version

Returning = Literal["minimal", "representation", "OperationOutcome"]
Parameters = tuple[tuple[str, str], ...]

# Where the fault gate leaves what it wants of the application, in the WSGI environment.
QUIRKS = "fhir_backpain.sandbox.quirks"
EXTRA_HEADERS = "fhir_backpain.sandbox.headers"


@dataclass(frozen=True, slots=True)
class EntryFault:
    """The answer that one entry of a bundle gets instead of being processed."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Quirks:
    """How this request is to be answered otherwise than FHIR says, as fault rules asked.

    `ignored_parameters` names search parameters passed over in silence, ``*`` all of them.
    """

    ignored_parameters: frozenset[str] = frozenset()
    stale_seconds: float = 0.0
    conflict_status: int = 412
    bundle_limit: int | None = None
    bundle_limit_status: int = 413
    entry_faults: Mapping[int, EntryFault] = field(default_factory=dict)
    omitted_entries: frozenset[int] = frozenset()
    reversed_entries: bool = False
    next_link: str | None = None


@dataclass(frozen=True, slots=True)
class Interaction:
    """A request as FHIR sees it; `base` is the URL of the server without a slash at its end."""

    method: str
    path: tuple[str, ...]
    base: str
    parameters: Parameters = ()
    body: dict[str, Any] | None = None
    if_match: str | None = None
    if_none_match: str | None = None
    if_none_exist: str | None = None
    returning: Returning | None = None
    strict: bool = False
    check_references: bool = True
    quirks: Quirks = Quirks()


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, what it is about and the JSON text to send; `content` None sends no body.

    `wrote` tells the answer to a create, update or delete from that to a read.
    """

    status: int
    content: str | None = None
    version: Version | None = None
    wrote: bool = False
    issues: tuple[Issue, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
