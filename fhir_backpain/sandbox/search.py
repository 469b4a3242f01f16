"""The search interaction: criteria, order and page in, a searchset Bundle out.

FHIR: http://hl7.org/fhir/R4/http.html#search
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fhir_backpain.fhir.operation_outcome import outcome_text
from fhir_backpain.outcome import Issue
from fhir_backpain.sandbox.bundle_text import write_bundle, write_entry
from fhir_backpain.sandbox.exchange import Answer, Interaction, Parameters
from fhir_backpain.sandbox.interaction_error import InteractionError
from fhir_backpain.sandbox.messages import (
    INVALID_CRITERIA,
    INVALID_PARAMETER,
    MULTIPLE_MATCHES,
    UNKNOWN_PARAMETER,
)
from fhir_backpain.sandbox.page import (
    DEFAULT_COUNT,
    PAGE_PARAMETER,
    Page,
    link_url,
    page_links,
    read_count,
    read_page,
)
from fhir_backpain.sandbox.search_query import (
    Condition,
    Criteria,
    View,
    compile_criteria,
    find_parameter,
)
from fhir_backpain.sandbox.store import Session, Version, format_instant

_RESULT_PARAMETERS = ("_count", "_sort", "_total", "_summary", "_format", "_pretty")


@dataclass(slots=True)
class Shape:
    """How the result is to look: page size, order, whether to count and whether only to."""

    count: int = DEFAULT_COUNT
    order: Condition = Condition("v.instant")  # noqa: RUF009 - frozen
    with_total: bool = True
    only_total: bool = False


def search_type(session: Session, request: Interaction, resource_type: str) -> Answer:
    """Answer GET Type?… and POST Type/_search with one page of a searchset Bundle."""
    page = _page(session, request)
    criteria_parameters = tuple(p for p in page.parameters if p[0] not in _RESULT_PARAMETERS)
    view = View(page.as_of, session.now(), request.base)
    criteria = compile_criteria(
        resource_type, criteria_parameters, view, request.quirks.ignored_parameters
    )
    shape, applied = _shape(resource_type, page.parameters, criteria)
    if request.strict and criteria.ignored:
        issues = [UNKNOWN_PARAMETER.issue(issue.text) for issue in criteria.ignored]
        raise InteractionError(400, issues)
    url = f"{request.base}/{resource_type}"
    found = [] if shape.only_total else _matches(session, criteria, shape, page.offset)
    more = len(found) > shape.count
    next_url = page.after(shape.count).link(url) if more else None
    if more and request.quirks.next_link is not None:
        next_url = request.quirks.next_link
    head: dict[str, Any] = {
        "meta": {"lastUpdated": format_instant(page.as_of)},
        "type": "searchset",
        "link": page_links(link_url(url, [*criteria.applied, *applied]), next_url),
    }
    if shape.with_total:
        head["total"] = _total(session, criteria)
    return Answer(200, write_bundle(head, _entries(request, found[: shape.count], criteria)))


def find_one(
    session: Session, request: Interaction, resource_type: str, parameters: Parameters
) -> Version | None:
    """Return the one resource that conditional criteria match, None where there is none.

    Raises InteractionError 412 for more than one match, 400 for criteria that select nothing:
    an unknown parameter must never widen a conditional write.
    """
    view = View(session.latest(), session.now(), request.base)
    criteria = compile_criteria(resource_type, parameters, view, request.quirks.ignored_parameters)
    if criteria.ignored:
        raise InteractionError(
            400, [UNKNOWN_PARAMETER.issue(issue.text) for issue in criteria.ignored]
        )
    if not parameters:
        text = f"Criteria for {resource_type} are empty."
        raise InteractionError.of(400, INVALID_CRITERIA, text)
    found = _matches(session, criteria, Shape(count=1), 0)
    if len(found) > 1:
        text = f"The criteria match more than one {resource_type}."
        raise InteractionError.of(412, MULTIPLE_MATCHES, text)
    return found[0] if found else None


def _page(session: Session, request: Interaction) -> Page:
    for name, value in request.parameters:
        if name == PAGE_PARAMETER:
            return read_page(value)
    as_of = session.latest()
    if request.quirks.stale_seconds:
        as_of = min(as_of, session.now() - int(request.quirks.stale_seconds * 1000))
    return Page(request.parameters, max(as_of, 0))


def _matches(session: Session, criteria: Criteria, shape: Shape, offset: int) -> list[Version]:
    """Return a page of matches and one more, which tells that there is a next page."""
    where = criteria.where()
    tail = f"WHERE {where.sql} ORDER BY {shape.order.sql} LIMIT ? OFFSET ?"
    arguments = [*where.arguments, *shape.order.arguments, shape.count + 1, offset]
    return session.versions(tail, arguments)


def _total(session: Session, criteria: Criteria) -> int:
    where = criteria.where()
    sql = f"SELECT count(*) FROM version v WHERE {where.sql}"  # noqa: S608 - built of our own names
    return int(session.rows(sql, where.arguments)[0][0])


def _entries(request: Interaction, found: list[Version], criteria: Criteria) -> list[str]:
    entries = [
        write_entry(
            f"{request.base}/{version.type}/{version.id}",
            version.content,
            search={"mode": "match"},
        )
        for version in found
    ]
    if criteria.ignored:
        content = outcome_text(criteria.ignored)
        entries.append(write_entry(None, content, search={"mode": "outcome"}))
    return entries


def _shape(
    resource_type: str, parameters: Parameters, criteria: Criteria
) -> tuple[Shape, list[tuple[str, str]]]:
    """Return the shape and the result parameters that were understood."""
    shape = Shape()
    applied = []
    for name, value in parameters:
        if name in _RESULT_PARAMETERS:
            ignored = _apply(shape, resource_type, name, value)
            criteria.ignored.extend(ignored)
            if not ignored:
                applied.append((name, value))
    return shape, applied


def _apply(shape: Shape, resource_type: str, name: str, value: str) -> list[Issue]:
    if name == "_count":
        shape.count = read_count(value)
        shape.only_total = shape.only_total or shape.count == 0
    elif name == "_sort":
        return _sort(shape, resource_type, value)
    elif name == "_total":
        _check_choice(name, value, ("none", "estimate", "accurate"))
        shape.with_total = value != "none"
    elif name == "_summary":
        return _summarise(shape, value)
    return []


def _summarise(shape: Shape, value: str) -> list[Issue]:
    _check_choice("_summary", value, ("true", "text", "data", "count", "false"))
    if value == "count":
        shape.only_total = shape.with_total = True
        return []
    if value == "false":
        return []
    text = f"_summary={value} is not supported; whole resources are returned."
    return [UNKNOWN_PARAMETER.issue(text, severity="warning")]


def _check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        text = f"Search parameter {name}: the value is not one of {', '.join(allowed)}."
        raise InteractionError.of(400, INVALID_PARAMETER, text)


def _sort(shape: Shape, resource_type: str, value: str) -> list[Issue]:
    terms: list[Condition] = []
    ignored = []
    for name in value.split(","):
        term = _sort_term(resource_type, name)
        if term is None:
            text = f"{resource_type} cannot be sorted by {name.removeprefix('-')}; it was ignored."
            ignored.append(UNKNOWN_PARAMETER.issue(text, severity="warning"))
        else:
            terms.append(term)
    terms.append(Condition("v.instant"))
    shape.order = Condition(
        ", ".join(term.sql for term in terms),
        tuple(item for term in terms for item in term.arguments),
    )
    return ignored


def _sort_term(resource_type: str, name: str) -> Condition | None:
    bare = name.removeprefix("-")
    direction = "DESC" if name.startswith("-") else "ASC"
    if bare == "_lastUpdated":
        return Condition(f"v.instant {direction}")
    if bare == "_id":
        return Condition(f"v.id {direction}")
    parameter = find_parameter(resource_type, bare)
    if parameter is None or parameter.kind != "date":
        return None
    bound = "max(high)" if name.startswith("-") else "min(low)"
    sql = f"(SELECT {bound} FROM date WHERE instant = v.instant AND parameter = ?)"  # noqa: S608
    return Condition(f"{sql} {direction} NULLS LAST", (bare,))
