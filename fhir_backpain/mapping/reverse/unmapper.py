"""From resources back to records: grouped by their business identity, rebuilt, and proven.

The proof: each rebuilt record is mapped again, and every element in which a given resource differs
from what that makes is reported. So nothing is swallowed, whatever the inverses missed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhir_backpain.errors import MappingFailed
from fhir_backpain.fhir import identity, json_text
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.declaration import Declaration
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.reverse.address import Address, address_of
from fhir_backpain.mapping.reverse.difference import differences, leaf_count
from fhir_backpain.mapping.reverse.inverter import Inverter
from fhir_backpain.mapping.reverse.normal_form import NormalForm
from fhir_backpain.mapping.reverse.place import Mismatch
from fhir_backpain.mapping.reverse.slots import SlotInverses
from fhir_backpain.outcome import Issue
from fhir_backpain.record import RECORD_TYPES

Resource = dict[str, Any]
Owner = tuple[str, str, str | None, str | None]


@dataclass(slots=True)
class Unmapped:
    """What resources came to: records in normal form, issues, and an account of every leaf."""

    records: list[dict[str, Any]] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    leaves: int = 0
    leaves_unmapped: int = 0

    @property
    def is_lossless(self) -> bool:
        """True where every element of every resource is in a record."""
        return self.leaves_unmapped == 0


class Unmapper:
    """The way back of a mapper's declarations. `to_fhir` is the way there, used for the proof."""

    def __init__(
        self,
        library: Library,
        declarations: Mapping[str, Sequence[Declaration]],
        to_fhir: Callable[[dict[str, Any]], list[MadeResource]],
    ) -> None:
        self._to_fhir = to_fhir
        self._declarations = declarations
        self._inverter = Inverter(SlotInverses(library), library.fragments)
        self._forms = {
            name: NormalForm(found, library.fragments) for name, found in declarations.items()
        }

    def normal_form(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return a record in the form in which it comes back."""
        return self._forms[record["record"]].of(record)

    def from_fhir(self, resources: Iterable[Resource]) -> Unmapped:
        """Return the records that some resources came from.

        Resources that no rule claims, elements that no rule makes and modifier extensions are
        reported as errors. Numbers of the resources must be int or Decimal.
        """
        given = {f"{item.get('resourceType')}/{item.get('id')}": item for item in resources}
        result = Unmapped(leaves=sum(leaf_count(item) for item in given.values()))
        refused = set(_refused(given, result))
        claimed: set[str] = set()
        for group in _groups({url: given[url] for url in given if url not in refused}):
            record = self._record(group, result)
            result.records.append(record)
            claimed |= self._prove(record, given, result)
        for url, resource in given.items():
            if url not in claimed and url not in refused:
                _report(result, messages.NOT_CLAIMED, resource, "No rule makes this resource.")
        return result

    def _record(self, group: _Group, result: Unmapped) -> dict[str, Any]:
        record: dict[str, Any] = {
            "record": group.record_type,
            "id": group.record_id,
            "source": group.source,
            "patient": {"identifier": group.patient},
        }
        merger = _Merger()
        for resource, key in group.members():
            rule, part = self._part(group.record_type, resource, key)
            try:
                merger.merge(record, part, rule)
            except Mismatch:
                text = "Another resource of the same record says something else."
                _note(result, messages.CONTRADICTION, resource, text)
        return self._forms[group.record_type].of(record)

    def _part(
        self, record_type: str, resource: Resource, key: tuple[str, ...]
    ) -> tuple[str, dict[str, Any]]:
        """Return the rule that a resource is of and the part of the record that it tells."""
        for declaration in self._declarations[record_type]:
            if declaration.makes == resource["resourceType"]:
                try:
                    part = self._inverter.part_of(declaration, resource, key)
                except Mismatch:
                    continue
                if part is not None:
                    return declaration.name, part
        return "", {}

    def _prove(
        self, record: dict[str, Any], given: Mapping[str, Resource], result: Unmapped
    ) -> set[str]:
        """Map the record again, report every difference, and return what it accounts for."""
        try:
            made = {item.url: json_text.parse(item.text) for item in self._to_fhir(record)}
        except (KeyError, TypeError, MappingFailed):
            text = "The resources do not make a whole record."
            result.issues.append(messages.INCOMPLETE_RECORD.issue(text))
            return set()
        for url in made.keys() & given.keys():
            for path, kind in differences(given[url], made[url]):
                if kind != "only in the mapping":
                    result.leaves_unmapped += 1
                issue = messages.ELEMENT_NOT_CLAIMED.issue(f"{path} is {kind}.", expression=path)
                result.issues.append(issue)
        return set(made.keys() & given.keys())


@dataclass(slots=True)
class _Group:
    """The resources of one record: its own, and those of its patient that it speaks of."""

    source: str
    record_type: str
    record_id: str
    patient: dict[str, str]
    own: list[tuple[Resource, tuple[str, ...]]] = field(default_factory=list)
    shared: list[tuple[Resource, tuple[str, ...]]] = field(default_factory=list)

    def members(self) -> Iterator[tuple[Resource, tuple[str, ...]]]:
        """Yield each resource with its key; a plan's own list of activities comes first."""
        yield from self.own
        yield from self.shared


def _groups(given: Mapping[str, Resource]) -> Iterator[_Group]:
    """Yield the records that resources belong to, each with what it owns and speaks of."""
    addresses = {url: address_of(resource) for url, resource in given.items()}
    by_owner: dict[Owner, list[str]] = defaultdict(list)
    named: dict[Owner, dict[str, str]] = {}
    for url, address in addresses.items():
        if address is not None:
            by_owner[address.owner].append(url)
    people = {url: _person(given[url]) for url in given}
    for owner, patient in _told_by_provenance(given, people):
        by_owner.setdefault(owner, [])
        named[owner] = patient
    for owner, urls in by_owner.items():
        if owner[2] is None:
            continue
        told = [person for person in map(people.get, urls) if person]
        about = told[0] if told else named.get(owner)
        if about is not None:
            group = _Group(owner[0], owner[2], str(owner[3]), about)
            _fill(group, urls, given, addresses, by_owner)
            yield group


def _told_by_provenance(
    given: Mapping[str, Resource], people: Mapping[str, dict[str, str] | None]
) -> Iterator[tuple[Owner, dict[str, str]]]:
    """Yield the records that a Provenance names as source: they may own no other resource."""
    for resource in given.values():
        if resource.get("resourceType") != "Provenance":
            continue
        targets = list(_references(resource.get("target")))
        if not given.keys() >= set(targets):
            continue  # A part of the record is not here, or was refused.
        patient = next((people[url] for url in targets if people[url]), None)
        for what in _sources(resource):
            if patient is not None and what["type"] in RECORD_TYPES:
                patient_owner = identity.patient_in_source(
                    what["system"], patient["system"], patient["value"]
                )
                yield (what["system"], patient_owner.path, what["type"], what["id"]), patient


def _sources(provenance: Resource) -> Iterator[dict[str, str]]:
    """Yield source system, id and type of each record in Provenance.entity, where all are text."""
    entities = provenance.get("entity")
    for entity in entities if isinstance(entities, list) else []:
        what = entity.get("what") if isinstance(entity, dict) else None
        identifier = what.get("identifier") if isinstance(what, dict) else None
        if not isinstance(what, dict) or not isinstance(identifier, dict):
            continue
        found = {
            "system": identifier.get("system"),
            "id": identifier.get("value"),
            "type": what.get("display"),
        }
        if all(isinstance(value, str) for value in found.values()):
            yield {name: str(value) for name, value in found.items()}


def _fill(
    group: _Group,
    urls: list[str],
    given: Mapping[str, Resource],
    addresses: Mapping[str, Address | None],
    by_owner: Mapping[Owner, list[str]],
) -> None:
    patient = identity.patient_in_source(
        group.source, group.patient["system"], group.patient["value"]
    )
    record = identity.record_of_patient(patient, group.source, group.record_type, group.record_id)
    provenance = f"Provenance/{record.logical_id('Provenance', 'provenance')}"
    person = f"Patient/{identity.patient_id(group.patient['system'], group.patient['value'])}"
    for url in urls:
        group.own.append((given[url], _key(addresses[url])))
    if provenance in given:
        group.own.append((given[provenance], ("provenance",)))
    if person in given:
        group.shared.append((given[person], ()))
    shared = by_owner.get((group.source, patient.path, None, None), [])
    rivals = sum(owner[:3] == (group.source, patient.path, group.record_type) for owner in by_owner)
    is_alone = provenance not in given and rivals == 1
    spoken_of = set(_references([resource for resource, _ in group.own]))
    elsewhere = _spoken_of_elsewhere(given, {*urls, *shared})
    # What is told of the patient may speak of the visit, so that the visit comes last.
    for url in sorted(shared, key=_is_visit):
        is_anothers = _is_visit(url) and url in elsewhere
        if url in spoken_of or (is_alone and not is_anothers):
            group.shared.append((given[url], _key(addresses[url])))
            spoken_of.update(_references(given[url]))
    _put_in_order(group, given.get(provenance))


def _spoken_of_elsewhere(given: Mapping[str, Resource], ours: Collection[str]) -> set[str]:
    """Return what the resources of other records refer to."""
    return set(_references([resource for url, resource in given.items() if url not in ours]))


def _is_visit(url: str) -> bool:
    return url.startswith("Encounter/")


def _put_in_order(group: _Group, provenance: Resource | None) -> None:
    """Put the resources in the order in which they were made, as far as they say it themselves.

    A plan lists what it holds, resources of several types in one list; Provenance lists the rest.
    """
    plans = [one for one, _ in group.own if one["resourceType"] == "CarePlan"]
    listed = _references([*plans, provenance] if provenance else plans)
    order = {url: place for place, url in enumerate(dict.fromkeys(listed))}
    for members in (group.own, group.shared):
        members.sort(key=lambda one: _place(one[0], order))


def _place(resource: Resource, order: Mapping[str, int]) -> tuple[int, bool]:
    """Return where a resource stands; a panel after its members, of which it says only that."""
    return order.get(f"{resource['resourceType']}/{resource['id']}", -1), "hasMember" in resource


def _key(address: Address | None) -> tuple[str, ...]:
    return address.key if address else ()


def _person(resource: Resource) -> dict[str, str] | None:
    """Return the business identifier of the patient that a resource is about."""
    if resource.get("resourceType") == "Patient":
        own = resource.get("identifier")
        identifier = own[0] if isinstance(own, list) and own else None
    else:
        subject = resource.get("subject")
        identifier = subject.get("identifier") if isinstance(subject, dict) else None
    if not isinstance(identifier, dict):
        return None
    system, value = identifier.get("system"), identifier.get("value")
    if not isinstance(system, str) or not isinstance(value, str):
        return None
    return {"system": system, "value": value}


def _references(value: Any) -> Iterator[str]:
    """Yield every literal reference below a JSON value."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _refused(given: Mapping[str, Resource], result: Unmapped) -> Iterator[str]:
    """Yield the resources with modifier extensions: they may turn the meaning around."""
    for url, resource in given.items():
        if _has_modifier(resource):
            text = "A modifier extension that is not known can change the meaning."
            _report(result, messages.MODIFIER_UNKNOWN, resource, text)
            yield url


def _has_modifier(value: Any) -> bool:
    if isinstance(value, dict):
        return "modifierExtension" in value or any(map(_has_modifier, value.values()))
    return isinstance(value, list) and any(map(_has_modifier, value))


def _report(result: Unmapped, message: Any, resource: Resource, text: str) -> None:
    result.leaves_unmapped += leaf_count(resource)
    _note(result, message, resource, text)


def _note(result: Unmapped, message: Any, resource: Resource, text: str) -> None:
    expression = str(resource.get("resourceType", "Resource"))
    result.issues.append(message.issue(text, expression=expression))


class _Merger:
    """Merges the parts that resources tell of one record; no two of a rule tell one element."""

    def __init__(self) -> None:
        self._rules: dict[int, set[str]] = {}

    def merge(self, record: dict[str, Any], part: dict[str, Any], rule: str) -> None:
        """Merge a part into a record; raises Mismatch where two values contradict."""
        for key, value in part.items():
            if isinstance(value, list):
                self._merge_list(record.setdefault(key, []), value, rule)
            elif isinstance(value, dict):
                self.merge(record.setdefault(key, {}), value, rule)
            elif record.setdefault(key, value) != value:
                raise Mismatch

    def _merge_list(self, here: list[Any], more: list[Any], rule: str) -> None:
        """Add elements; one that says only a part of another rule's is the same element."""
        if not all(isinstance(element, dict) for element in more):
            if here and here != more:
                raise Mismatch
            here[:] = more
            return
        for element in more:
            known = next((one for one in here if self._is_same(one, element, rule)), None)
            if known is None:
                here.append(element)
                known = element
            known.update(element)
            self._rules.setdefault(id(known), set()).add(rule)

    def _is_same(self, known: Any, element: Any, rule: str) -> bool:
        if rule in self._rules.get(id(known), ()):
            return False
        return _is_part(element, known) or _is_part(known, element)


def _is_part(less: Any, more: Any) -> bool:
    return (
        isinstance(less, dict)
        and isinstance(more, dict)
        and all(key in more and more[key] == value for key, value in less.items())
    )
