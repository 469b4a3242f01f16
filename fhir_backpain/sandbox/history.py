"""The history interactions: what was written to a resource, a type or the server, newest first.

FHIR: http://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

from typing import Any

from fhir_backpain.fhir.date_range import parse_date
from fhir_backpain.sandbox.bundle_text import write_bundle, write_entry
from fhir_backpain.sandbox.exchange import Answer, Interaction, Parameters
from fhir_backpain.sandbox.interaction_error import InteractionError
from fhir_backpain.sandbox.messages import (
    INVALID_PARAMETER,
    UNKNOWN_PARAMETER,
    UNKNOWN_RESOURCE,
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
from fhir_backpain.sandbox.store import Session, Version, format_instant

_STATUS = {"POST": "201 Created", "PUT": "200 OK", "DELETE": "204 No Content"}


def history_system(session: Session, request: Interaction) -> Answer:
    """Answer GET _history."""
    return _history(session, request, "_history", "1", [])


def history_type(session: Session, request: Interaction, resource_type: str) -> Answer:
    """Answer GET Type/_history."""
    return _history(session, request, f"{resource_type}/_history", "v.type = ?", [resource_type])


def history_instance(
    session: Session, request: Interaction, resource_type: str, resource_id: str
) -> Answer:
    """Answer GET Type/id/_history; 404 where the id was never used."""
    if session.current(resource_type, resource_id) is None:
        text = f"There was never a {resource_type} with this id."
        raise InteractionError.of(404, UNKNOWN_RESOURCE, text)
    path = f"{resource_type}/{resource_id}/_history"
    arguments = [resource_type, resource_id]
    return _history(session, request, path, "v.type = ? AND v.id = ?", arguments)


def _history(
    session: Session, request: Interaction, path: str, where: str, arguments: list[Any]
) -> Answer:
    page = _page(session, request)
    count, since = _limits(page.parameters, request.strict)
    url = f"{request.base}/{path}"
    where += " AND v.instant <= ? AND v.instant >= ?"
    arguments = [*arguments, page.as_of, since]
    tail = f"WHERE {where} ORDER BY v.instant DESC LIMIT ? OFFSET ?"
    found = session.versions(tail, [*arguments, count + 1, page.offset])
    more = 0 < count < len(found)
    next_url = page.after(count).link(url) if more else None
    if more and request.quirks.next_link is not None:
        next_url = request.quirks.next_link
    total = session.rows(f"SELECT count(*) FROM version v WHERE {where}", arguments)  # noqa: S608
    head = {
        "meta": {"lastUpdated": format_instant(page.as_of)},
        "type": "history",
        "total": int(total[0][0]),
        "link": page_links(link_url(url, _known(page.parameters)), next_url),
    }
    return Answer(200, write_bundle(head, [_entry(request.base, v) for v in found[:count]]))


def _page(session: Session, request: Interaction) -> Page:
    for name, value in request.parameters:
        if name == PAGE_PARAMETER:
            return read_page(value)
    return Page(request.parameters, session.latest())


def _known(parameters: Parameters) -> list[tuple[str, str]]:
    return [(name, value) for name, value in parameters if name in ("_count", "_since")]


def _limits(parameters: Parameters, strict: bool) -> tuple[int, int]:
    """Return the page size and the first instant wanted."""
    count, since = DEFAULT_COUNT, 0
    for name, value in parameters:
        if name == "_count":
            count = read_count(value)
        elif name == "_since":
            since = _since(value)
        elif strict and name not in ("_format", "_pretty"):
            text = f"A history has no parameter {name}."
            raise InteractionError.of(400, UNKNOWN_PARAMETER, text)
    return count, since


def _since(value: str) -> int:
    span = parse_date(value)
    if span is None:
        text = "Parameter _since: the value is not an instant."
        raise InteractionError.of(400, INVALID_PARAMETER, text)
    return -(-span.low // 1000)


def _entry(base: str, version: Version) -> str:
    target = f"{version.type}/{version.id}"
    created = version.method == "PUT" and version.number == 1
    return write_entry(
        f"{base}/{target}",
        version.content,
        request={
            "method": version.method,
            "url": version.type if version.method == "POST" else target,
        },
        response={
            "status": "201 Created" if created else _STATUS[version.method],
            "etag": version.etag,
            "lastModified": version.last_updated,
        },
    )
