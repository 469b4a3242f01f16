"""What a run that keeps its promises may have left of one resource."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256

from fhir_backpain.fhir.moment import BEFORE_ALL, Moment, moment_of
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.record import RecordKey
from fhir_backpain.sync.retirement import entered_in_error
from tests.chaos.evidence import Stored, Version, content_of

_Turn = tuple[Moment, int]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that may come to pass with a resource: a version of a record makes it so.

    `content` is None where the version of the record no longer makes it. `is_last` says that the
    record has no later version. `arrived` is the place of the record's version in the outbox,
    `created` the instant of its arrival, before which it cannot have come to pass.
    """

    content: str | None
    digest: str | None
    arrived: int
    created: str
    is_last: bool
    turn: _Turn


@dataclass(frozen=True, slots=True)
class Expectation:
    """The steps of one resource in the order in which their effects must land, each at most once.

    `owner` is the record that alone makes it, None where records share it.
    """

    url: str
    steps: tuple[Step, ...]
    owner: RecordKey | None

    def finals(self) -> list[Step]:
        """Return the steps of which one must be the last to have landed; none: all may be absent.

        What a later version of a record took back may have landed or not.
        """
        certain = [number for number, step in enumerate(self.steps) if step.is_last]
        first = certain[-1] if certain else 0
        after = [step for step in self.steps[first + 1 :] if self.owner is None]
        return [*self.steps[first : first + 1], *after]

    def fits(self, step: Step, version: Version, before: Version | None) -> bool:
        """True where a version says what a step makes of the resource."""
        if step.content is not None:
            return version.content == step.content
        return before is not None and is_retired(version, before)


def is_retired(version: Version, before: Version) -> bool:
    """True where a version takes back what the one before it says."""
    if before.resource is None:
        return False
    if version.resource is None:
        return True
    marked = entered_in_error(before.resource)
    return (
        marked is not None
        and version.content == content_of(marked)
        and version.content != before.content
    )


def expectations(stored: Iterable[Stored]) -> dict[str, Expectation]:
    """Return what may become of each resource that some record has made."""
    records: dict[RecordKey, list[Stored]] = {}
    for one in stored:
        records.setdefault(one.entry.key, []).append(one)
    shared: dict[str, list[Step]] = {}
    found: dict[str, Expectation] = {}
    for key, versions in records.items():
        for url in dict.fromkeys(made.url for one in versions for made in one.made):
            steps = _steps(url, versions)
            if steps is None:
                shared.setdefault(url, []).extend(_shared_steps(url, versions))
            else:
                found[url] = Expectation(url, steps, key)
    for url, listed in shared.items():
        listed.sort(key=lambda step: step.turn)
        found[url] = Expectation(url, tuple(listed), None)
    return found


def _made(url: str, one: Stored) -> MadeResource | None:
    return next((made for made in reversed(one.made) if made.url == url), None)


def _steps(url: str, versions: Sequence[Stored]) -> tuple[Step, ...] | None:
    """Return the steps of what one record alone makes; None where it shares it."""
    steps = []
    for number, one in enumerate(versions):
        made = _made(url, one)
        if made is not None and made.shared:
            return None
        content, digest = (None, None) if made is None else _content(made.text)
        turn = (moment_of(BEFORE_ALL), number)
        steps.append(_step(one, content, digest, turn, is_last=one is versions[-1]))
    return tuple(steps)


def _shared_steps(url: str, versions: Sequence[Stored]) -> Iterable[Step]:
    for number, one in enumerate(versions):
        made = _made(url, one)
        if made is not None:
            # Who says little of it is heard only as long as nobody else was.
            as_of = BEFORE_ALL if made.only_if_new else one.entry.as_of
            turn = (moment_of(as_of), number)
            content, digest = _content(made.text)
            yield _step(one, content, digest, turn, is_last=one is versions[-1])


def _step(
    one: Stored, content: str | None, digest: str | None, turn: _Turn, *, is_last: bool
) -> Step:
    return Step(content, digest, one.place, one.entry.created_at, is_last, turn)


def _content(text: str) -> tuple[str, str]:
    resource = json.loads(text, parse_float=Decimal)
    return content_of(resource), sha256(text.encode()).hexdigest()
