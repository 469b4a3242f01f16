"""What a conflict turns out to be, once what the server holds has been read.

A server answers 409 or 412 for a version that is no longer there, and 409 for two writes that met.
The first waits for a person, the second is tried again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fhir_backpain.errors import ConflictError, RemoteError
from fhir_backpain.fhir.meta import version_of
from fhir_backpain.outcome import Issue
from fhir_backpain.sync.canonical_content import is_same_content
from fhir_backpain.sync.composition import Change, Write
from fhir_backpain.sync.messages import CHANGED_THERE, DELETED_THERE, SEVERAL_MATCH
from fhir_backpain.sync.server_access import Held

MAX_RACES = 5
"""Attempts after which a conflict that no version explains is left to a person."""

# With If-Match, these too may say that the version is not there.
_GONE = frozenset((404, 405, 410))


@dataclass(frozen=True, slots=True)
class Clash:
    """The issues of what is really another's; none where the writes only met.

    `shared` says that all of it is what other records make too, so that another worker of ours
    may have written it a moment ago.
    """

    issues: tuple[Issue, ...]
    shared: bool


def may_be_clash(error: RemoteError, changes: Sequence[Change]) -> bool:
    """True where the error may come from a version that is no longer there."""
    if isinstance(error, ConflictError):
        return True
    return error.status in _GONE and any(change.if_match is not None for change in changes)


def judge(changes: Sequence[Change], found: Mapping[str, Held]) -> Clash:
    """Return what of the changes meets another's version."""
    told = [(change, issue) for change in changes if (issue := _issue(change, found[change.url]))]
    shared = all(isinstance(one, Write) and one.rendered.made.shared for one, _ in told)
    return Clash(tuple(issue for _, issue in told), shared)


def said_already(
    changes: Sequence[Change], found: Mapping[str, Held]
) -> list[tuple[Write, str | None]]:
    """Return the writes whose content the server holds, in a version that we did not know."""
    said = []
    for change in changes:
        held = found[change.url]
        if isinstance(change, Write) and not isinstance(held, str):
            version = version_of(held)
            if version != change.if_match and is_same_content(change.text, held):
                said.append((change, version))
    return said


def _issue(change: Change, held: Held) -> Issue | None:
    if held == "several":
        text = f"More than one {change.type} has the identifier."
        return SEVERAL_MATCH.issue(text, expression=change.type)
    if change.if_match is None:
        return None
    if isinstance(held, str):
        text = f"{change.type} was deleted on the server."
        return DELETED_THERE.issue(text, expression=change.type)
    version = version_of(held)
    if version == change.if_match or (change.text and is_same_content(change.text, held)):
        return None
    return changed_there(change.type, change.if_match, version)


def changed_there(resource_type: str, expected: str | None, version: str | None) -> Issue:
    """Return the issue of a resource that somebody else has changed."""
    text = f"{resource_type}: the server holds version {version}, {expected} was expected."
    return CHANGED_THERE.issue(text, expression=resource_type)
