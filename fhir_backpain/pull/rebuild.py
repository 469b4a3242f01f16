"""What changed resources come to: records, tombstones, or what cannot be carried.

A record is told only where every resource that is its own came back into it. One that came back
in part would say that the rest is no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from fhir_backpain.errors import MappingFailed
from fhir_backpain.fhir import json_text
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.mapping.reverse.difference import differences
from fhir_backpain.mapping.reverse.unmapper import Unmapped
from fhir_backpain.outcome import Issue, SourceLocation
from fhir_backpain.pull.change import Change, Resource
from fhir_backpain.pull.chart import without_server_marks
from fhir_backpain.pull.delivery import Finding
from fhir_backpain.pull.messages import ELEMENT_LEFT_OUT, RECORD_UNREADABLE
from fhir_backpain.pull.ownership import Owner, owner_of, owners, record_key_of, references
from fhir_backpain.record import RecordKey, key_of

# Elements that can turn the meaning of others around (ElementDefinition.isModifier).
_MODIFIERS = frozenset(("doNotPerform", "implicitRules", "verificationStatus"))
# What a server or its users may word differently without another meaning.
_WORDING = frozenset(("display", "unit"))
_EIE = "entered-in-error"


class ReverseMapper(Protocol):
    """What pulling needs of a mapping: there, back, and the form in which records come back."""

    @property
    def types(self) -> tuple[str, ...]:
        """The resource types that it makes."""

    def __call__(self, data: dict[str, Any]) -> list[MadeResource]:
        """Return the resources of a record; raises MappingFailed."""

    def from_fhir(self, resources: Iterable[Resource]) -> Unmapped:
        """Return the records of resources."""

    def normal_form(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return a record as it comes back."""


@dataclass(slots=True)
class Rebuilt:
    """What was found: per record a finding or issues, and the records that each URL touches."""

    findings: dict[RecordKey, Finding] = field(default_factory=dict)
    unreadable: dict[Owner, list[Issue]] = field(default_factory=dict)
    touched: dict[str, set[Owner]] = field(default_factory=dict)
    members: dict[str, RecordKey] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)


@dataclass(slots=True)
class _Record:
    """A rebuilt record and what it makes; `made` is empty where it is not whole."""

    key: RecordKey
    data: dict[str, Any]
    made: dict[str, Resource]
    own: set[str]


def rebuild(
    mapper: ReverseMapper,
    patient: str,
    chart: Mapping[str, Resource],
    changed: Mapping[str, Change],
    whose: Mapping[str, RecordKey],
) -> Rebuilt:
    """Return what the changes of a patient come to.

    `chart` holds the patient's resources as they are now, by our ids, `changed` the current version
    of each changed resource, which keeps the server's URL. `whose` says of deleted ones, and
    of those without an identifier, which record's alone they were.
    """
    cleaned = {url: without_server_marks(resource) for url, resource in chart.items()}
    records, annulled = _records(mapper, cleaned)
    work = _Work(patient, cleaned, changed, whose, records, annulled)
    return work.result()


def _records(
    mapper: ReverseMapper, chart: dict[str, Resource]
) -> tuple[dict[Owner, _Record], set[str]]:
    """Return the records by owner, and what was entered in error and no record says so."""
    records = {owner_of(one.key): one for one in _mapped_back(mapper, chart)}
    suspects = {url for url, resource in chart.items() if _is_entered_in_error(resource)}
    annulled = {
        url
        for url in suspects
        if not any(_is_entered_in_error(one.made.get(url, {})) for one in records.values())
    }
    if annulled:
        rest = {url: resource for url, resource in chart.items() if url not in annulled}
        records = {owner_of(one.key): one for one in _mapped_back(mapper, rest)}
    return records, annulled


def _mapped_back(mapper: ReverseMapper, chart: Mapping[str, Resource]) -> Iterator[_Record]:
    for data in mapper.from_fhir(chart.values()).records:
        made: dict[str, Resource] = {}
        own: set[str] = set()
        try:
            for one in mapper(data):
                made[one.url] = json_text.parse(one.text)
                if not one.shared:
                    own.add(one.url)
        except (KeyError, TypeError, MappingFailed):
            made, own = {}, set()
        yield _Record(key_of(data), data, made, own)


class _Work:
    """The work of one patient: which records a change touches, and what they have come to."""

    def __init__(
        self,
        patient: str,
        chart: dict[str, Resource],
        changed: Mapping[str, Change],
        whose: Mapping[str, RecordKey],
        records: dict[Owner, _Record],
        annulled: set[str],
    ) -> None:
        self._chart = chart
        self._changed = changed
        self._whose = whose
        self._records = records
        self._annulled = annulled
        self._owners = {
            url: set(owners(resource, chart.get(patient))) for url, resource in chart.items()
        }
        for url in whose.keys() & chart.keys():
            self._owners[url].add(owner_of(whose[url]))
        self._result = Rebuilt()

    def result(self) -> Rebuilt:
        """Return what all of it came to."""
        for url in self._changed:
            self._result.touched[url] = set(self._touched(url))
        for owner in sorted({one for found in self._result.touched.values() for one in found}):
            self._judge(owner)
        for record in self._records.values():
            self._result.members.update(dict.fromkeys(record.own & self._chart.keys(), record.key))
        return self._result

    def _touched(self, url: str) -> Iterator[Owner]:
        """Yield the records that a changed resource is of, makes part of, or is referred to by."""
        if url in self._whose and url not in self._chart:
            yield owner_of(self._whose[url])
            return
        own = self._owners.get(url, set())
        yield from own
        makers = [owner for owner, record in self._records.items() if url in record.made]
        yield from makers
        # What a patient's records share and no record makes any more is missed by who names it.
        if not own and not makers:
            for other, resource in self._chart.items():
                if other != url and url in references(resource):
                    yield from self._owners[other]

    def _judge(self, owner: Owner) -> None:
        record = self._records.get(owner)
        versions = tuple(
            f"{change.url}/_history/{change.version}"
            for url, change in self._changed.items()
            if owner in self._result.touched[url]
        )
        if record is None and not self._remains(owner):
            key = next((key for key in self._known() if owner_of(key) == owner), None)
            if key is not None:
                self._result.findings[key] = Finding.deleted(key, versions)
                return
        problems = list(self._problems(owner, record))
        if problems or record is None:
            self._result.unreadable[owner] = problems
            return
        unmapped = self._unmapped(owner, record)
        self._result.findings[record.key] = Finding(
            record.key, "changed", record.data, versions, unmapped
        )

    def _known(self) -> Iterator[RecordKey]:
        """Yield the keys of records that deleted or annulled resources belonged to."""
        yield from self._whose.values()
        for url in self._annulled:
            key = record_key_of(self._chart[url])
            if key is not None:
                yield key

    def _remains(self, owner: Owner) -> bool:
        """True where the server holds something that the record alone has made."""
        return any(
            owner in found and not url.startswith("Provenance/") and url not in self._annulled
            for url, found in self._owners.items()
        )

    def _problems(self, owner: Owner, record: _Record | None) -> Iterator[Issue]:
        place = SourceLocation(record=owner[3])
        if record is None or not record.made:
            text = f"What the server holds of {owner[2]} {owner[3]} does not make a whole record."
            yield RECORD_UNREADABLE.issue(text, source=place)
            return
        for url in sorted(self._own_or_changed(owner)):
            kind = url.partition("/")[0]
            if url not in record.made:
                text = f"A {kind} of {record.key} does not say what a record can say."
                yield RECORD_UNREADABLE.issue(text, source=place, expression=kind)
            elif url in self._changed:
                for path, what in _differences(self._chart[url], record.made[url]):
                    if _blocks(path, what):
                        text = f"{path} of {record.key} says what no record can say."
                        yield RECORD_UNREADABLE.issue(text, source=place, expression=path)

    def _own_or_changed(self, owner: Owner) -> Iterator[str]:
        """Yield what must be in the record: all of its own, and what has changed of the rest."""
        for url, found in self._owners.items():
            touched = owner in self._result.touched.get(url, ())
            if url not in self._annulled and (owner in found or touched):
                yield url

    def _unmapped(self, owner: Owner, record: _Record) -> tuple[str, ...]:
        """Return the paths of changed elements without a place in the record, and report them."""
        paths: list[str] = []
        for url in self._changed.keys() & record.made.keys() & self._chart.keys():
            if owner in self._result.touched[url]:
                found = _differences(self._chart[url], record.made[url])
                paths += [path for path, kind in found if kind != "only in the mapping"]
        for path in paths:
            text = f"{path} of {record.key} stays on the server alone."
            place = SourceLocation(record=record.key.id)
            self._result.issues.append(ELEMENT_LEFT_OUT.issue(text, source=place, expression=path))
        return tuple(sorted(paths))


def _differences(given: Resource, made: Resource) -> Iterator[tuple[str, str]]:
    yield from differences(given, without_server_marks(made))


def _blocks(path: str, kind: str) -> bool:
    steps = [step.partition("[")[0] for step in path.split(".")]
    if not _MODIFIERS.isdisjoint(steps):
        return True
    # What only the mapping says, somebody took away in a manner that a record cannot express.
    return kind != "only in the resource" and steps[1] != "meta" and steps[-1] not in _WORDING


def _is_entered_in_error(resource: Resource) -> bool:
    if resource.get("status") == _EIE or resource.get("lifecycleStatus") == _EIE:
        return True
    concept = resource.get("verificationStatus")
    codings = concept.get("coding") if isinstance(concept, dict) else None
    return any(
        isinstance(one, dict) and one.get("code") == _EIE
        for one in (codings if isinstance(codings, list) else [])
    )
