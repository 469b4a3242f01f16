"""The transaction interaction: all entries or none.

The identity of every entry is settled before anything is stored, so that references between
entries can be rewritten whatever their order. FHIR: http://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from fhir_backpain.sandbox.bundle_entry import Entry, answer_text, entry_elements, read_entry
from fhir_backpain.sandbox.exchange import Answer, Interaction
from fhir_backpain.sandbox.interaction_error import InteractionError
from fhir_backpain.sandbox.interactions import (
    check_id,
    check_if_match,
    conditional_target,
    new_id,
    typed_body,
    written,
)
from fhir_backpain.sandbox.messages import (
    DANGLING_REFERENCE,
    DUPLICATE_ENTRY,
    INJECTED_FAULT,
    INVALID_ENTRY,
    UNRESOLVED_CONDITION,
    WRONG_BODY,
)
from fhir_backpain.sandbox.parameters import parse_query
from fhir_backpain.sandbox.references import (
    check_references,
    conditional_criteria,
    references_in,
    rewrite_links,
)
from fhir_backpain.sandbox.routing import find_route, perform
from fhir_backpain.sandbox.search import find_one
from fhir_backpain.sandbox.search_parameters import RESOURCE_TYPES
from fhir_backpain.sandbox.store import Session, Store, Version

Identity = tuple[str, str]


@dataclass(slots=True)
class Plan:
    """What is known about a transaction before it is stored."""

    session: Session
    request: Interaction
    entries: list[Entry]
    answers: dict[int, Answer] = field(default_factory=dict)
    identities: dict[int, Identity] = field(default_factory=dict)
    matched: dict[int, Version] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def writes(self) -> list[Entry]:
        """Return the entries that are to be stored: creates before updates."""
        creates = [entry for entry in self.of("POST") if entry.index not in self.matched]
        return [*creates, *self.of("PUT")]

    def of(self, *methods: str) -> list[Entry]:
        """Return the entries of some methods, in their order."""
        return [entry for entry in self.entries if entry.request.method in methods]


def process_transaction(store: Store, bundle: dict[str, Any], request: Interaction) -> Answer:
    """Answer a transaction; InteractionError names the entry at fault, and nothing is stored."""
    entries = [
        read_entry(index, element, request) for index, element in enumerate(entry_elements(bundle))
    ]
    with store.writing() as session:
        plan = Plan(session, request, entries)
        _refuse_faulty(plan)
        _check_shapes(plan)
        _delete(plan)
        _identify(plan)
        _resolve(plan)
        _check(plan)
        _write(plan)
        _read(plan)
    answers = [plan.answers[entry.index] for entry in entries]
    return Answer(200, answer_text("transaction-response", answers, request))


@contextlib.contextmanager
def _at(entry: Entry) -> Iterator[None]:
    try:
        yield
    except InteractionError as error:
        raise error.in_entry(entry.index) from error


def _refuse_faulty(plan: Plan) -> None:
    for index, fault in plan.request.quirks.entry_faults.items():
        if index < len(plan.entries):
            error = InteractionError.of(fault.status, INJECTED_FAULT, fault.text)
            raise error.in_entry(index)


def _check_shapes(plan: Plan) -> None:
    seen: dict[str, int] = {}
    for entry in plan.entries:
        with _at(entry):
            find_route(entry.request.method, entry.request.path)
            if entry.request.method == "POST" and len(entry.request.path) > 1:
                text = "a search by POST is not supported within a transaction."
                raise InteractionError.of(400, INVALID_ENTRY, text)
            if entry.request.method in ("POST", "PUT"):
                typed_body(entry.request, entry.request.path[0])
            if entry.full_url is not None:
                _refuse_repeated(seen, entry.full_url, entry.index, "fullUrl")


def _delete(plan: Plan) -> None:
    seen: dict[Identity, int] = {}
    for entry in plan.of("DELETE"):
        with _at(entry):
            identity = _delete_identity(plan, entry)
            if identity is not None:
                _refuse_repeated(seen, identity, entry.index, "resource")
                plan.identities[entry.index] = identity
            plan.answers[entry.index] = perform(plan.session, entry.request)


def _delete_identity(plan: Plan, entry: Entry) -> Identity | None:
    path = entry.request.path
    if len(path) == 2:
        return path[0], path[1]
    found = find_one(plan.session, entry.request, path[0], entry.request.parameters)
    return (found.type, found.id) if found else None


def _identify(plan: Plan) -> None:
    """Give every stored entry its type and id, and refuse to store one resource twice."""
    seen = {identity: index for index, identity in plan.identities.items()}
    criteria: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
    for entry in [*plan.of("POST"), *plan.of("PUT")]:
        with _at(entry):
            _refuse_same_criteria(criteria, entry)
            identity = _identity(plan, entry)
            if entry.index not in plan.matched:
                _refuse_repeated(seen, identity, entry.index, "resource")
            plan.identities[entry.index] = identity
            if entry.full_url is not None:
                plan.links[entry.full_url] = "/".join(identity)


def _refuse_same_criteria(
    seen: dict[tuple[str, tuple[tuple[str, str], ...]], int], entry: Entry
) -> None:
    request = entry.request
    parameters = request.parameters
    if request.method == "POST":
        parameters = parse_query(request.if_none_exist or "")
    if parameters:
        key = (request.path[0], tuple(sorted(parameters)))
        _refuse_repeated(seen, key, entry.index, "conditional criteria")


def _refuse_repeated(seen: dict[Any, int], key: Any, index: int, what: str) -> None:
    if key in seen:
        text = f"the same {what} as in entry {seen[key]}."
        raise InteractionError.of(400, DUPLICATE_ENTRY, text)
    seen[key] = index


def _identity(plan: Plan, entry: Entry) -> Identity:
    request = entry.request
    resource_type = request.path[0]
    if request.method == "PUT":
        return resource_type, _update_id(plan, entry)
    if request.if_none_exist is None:
        return resource_type, new_id()
    parameters = parse_query(request.if_none_exist)
    found = find_one(plan.session, request, resource_type, parameters)
    if found is None:
        return resource_type, new_id()
    plan.matched[entry.index] = found
    return resource_type, found.id


def _update_id(plan: Plan, entry: Entry) -> str:
    request = entry.request
    resource = typed_body(request, request.path[0])
    if len(request.path) == 1:
        return conditional_target(plan.session, request, resource)
    check_id(request.path[1])
    if resource.get("id") != request.path[1]:
        text = "the resource's id is not the id in request.url."
        raise InteractionError.of(400, WRONG_BODY, text, expression=f"{request.path[0]}.id")
    return request.path[1]


def _resolve(plan: Plan) -> None:
    """Put literal references in the place of fullUrls and of conditional references."""
    for entry in plan.writes():
        _rewrite(entry, plan.links)
    wanted = _conditional_references(plan)
    if not wanted:
        return
    # The criteria may match what this very transaction stores: look at it, then undo.
    with plan.session.trial():
        for entry in plan.writes():
            _put(plan, entry)
        found = {text: _match(plan, entry, path, text) for text, (entry, path) in wanted.items()}
    for entry in plan.writes():
        _rewrite(entry, found)


def _rewrite(entry: Entry, links: dict[str, str]) -> None:
    base = _restful_base(entry)

    def rewrite(text: str) -> str:
        found = links.get(text)
        if found is None and base is not None:
            found = links.get(f"{base}/{text}")
        return text if found is None else found

    entry.request = replace(entry.request, body=rewrite_links(entry.request.body, rewrite))


def _restful_base(entry: Entry) -> str | None:
    """Return the base of a RESTful fullUrl: relative references in the entry start from it."""
    parts = (entry.full_url or "").rsplit("/", 2)
    restful = len(parts) == 3 and parts[0].startswith("http") and parts[1] in RESOURCE_TYPES
    return parts[0] if restful else None


def _conditional_references(plan: Plan) -> dict[str, tuple[Entry, str]]:
    """Return each conditional reference, with the first entry and element that it stands in."""
    found: dict[str, tuple[Entry, str]] = {}
    for entry in plan.writes():
        for path, text in references_in(entry.request.body, entry.request.path[0]):
            if conditional_criteria(text):
                found.setdefault(text, (entry, path))
    return found


def _match(plan: Plan, entry: Entry, path: str, text: str) -> str:
    resource_type, query = conditional_criteria(text) or ("", "")
    with _at(entry):
        if resource_type not in RESOURCE_TYPES:
            raise _unresolved(400, path, "names an unknown resource type")
        try:
            match = find_one(plan.session, plan.request, resource_type, parse_query(query))
        except InteractionError as error:
            many = error.status == 412
            problem = (
                "matches more than one resource" if many else "has criteria that cannot be used"
            )
            raise _unresolved(error.status, path, problem) from error
        if match is None:
            raise _unresolved(400, path, "matches no resource")
    return f"{match.type}/{match.id}"


def _unresolved(status: int, path: str, problem: str) -> InteractionError:
    text = f"the conditional reference at {path} {problem}."
    return InteractionError.of(status, UNRESOLVED_CONDITION, text, expression=path)


def _check(plan: Plan) -> None:
    for entry in plan.writes():
        with _at(entry):
            if plan.request.check_references:
                _check_unresolved(entry)
                _check_literal(plan, entry)


def _check_unresolved(entry: Entry) -> None:
    for path, text in references_in(entry.request.body, entry.request.path[0]):
        if text.startswith("urn:"):
            told = f"{path} refers to {text}, which is the fullUrl of no entry."
            raise InteractionError.of(400, DANGLING_REFERENCE, told, expression=path)


def _check_literal(plan: Plan, entry: Entry) -> None:
    stored = {plan.identities[one.index] for one in plan.writes()}
    resource_type, resource_id = plan.identities[entry.index]
    check_references(
        {**(entry.request.body or {}), "resourceType": resource_type, "id": resource_id},
        plan.request.base,
        lambda kind, name: (kind, name) in stored or plan.session.exists(kind, name),
    )


def _write(plan: Plan) -> None:
    for index, version in plan.matched.items():
        plan.answers[index] = written(plan.request, 200, version)
    for entry in plan.writes():
        with _at(entry):
            before = plan.session.current(*plan.identities[entry.index])
            check_if_match(entry.request, before)
            version = _put(plan, entry)
            status = 201 if before is None or before.deleted else 200
            plan.answers[entry.index] = written(plan.request, status, version)


def _put(plan: Plan, entry: Entry) -> Version:
    resource_id = plan.identities[entry.index][1]
    body = {**(entry.request.body or {}), "id": resource_id}
    return plan.session.put(body, resource_id, entry.request.method, plan.request.base)


def _read(plan: Plan) -> None:
    for entry in plan.of("GET", "HEAD"):
        with _at(entry):
            plan.answers[entry.index] = perform(plan.session, entry.request)
