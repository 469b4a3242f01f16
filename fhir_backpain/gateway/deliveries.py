"""What became of records: single deliveries, pages of them, and submissions."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from fhir_backpain.errors import MappingFailed, OutboxError
from fhir_backpain.fhir.json_text import FHIR_JSON
from fhir_backpain.gateway.answer import tagged_answer
from fhir_backpain.gateway.description import Answer, Parameter, described
from fhir_backpain.gateway.gate import needs
from fhir_backpain.gateway.guard import (
    JSON,
    ensure_accepts,
    ensure_parameters,
    whole_number,
    wrong_parameter,
)
from fhir_backpain.gateway.records import DELIVERIES, SUBMISSIONS
from fhir_backpain.gateway.services import services
from fhir_backpain.outbox.clock import format_instant
from fhir_backpain.outbox.entry import STATES, Attempt, Entry, State

blueprint = Blueprint("deliveries", __name__)

_MOST, _USUAL = 500, 50
_SETTLED = ("sent", "conflict", "rejected", "superseded", "discarded")


@blueprint.get(f"{DELIVERIES}/<delivery_id>")
@needs("track")
@described({200: Answer("The delivery.", "Delivery")}, problems=(404,))
def show(delivery_id: str) -> Response:
    """Show one delivery with its attempts and, once sent, what it made on the server."""
    _ensure_plain_request()
    shared = services()
    entry = shared.store.entry(delivery_id)
    data = summary(entry) | {
        "settled_at": entry.settled_at,
        "mapping_version": entry.mapping_version,
        "source": _source(entry),
        "waits_for": list(entry.waits_for),
        "outcome": entry.outcome,
        "attempts": [_attempt(one) for one in shared.store.attempts(delivery_id)],
        "resources": _resources(entry) if entry.state == "sent" else [],
    }
    return tagged_answer(data, _steady(data))


@blueprint.get(DELIVERIES)
@needs("read")
@described(
    {200: Answer("A page of deliveries; `next` is the next page's URL.", "Deliveries")},
    parameters=(
        Parameter("state", "Those in this state alone.", {"enum": list(STATES)}),
        Parameter("after", "Those after the delivery with this id.", {"type": "string"}),
        Parameter("limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": 500}),
    ),
)
def index() -> Response:
    """Show a page of the deliveries to the gateway's server, in the order of their arrival."""
    _ensure_plain_request("state", "after", "limit")
    limit = whole_number("limit", _USUAL, _MOST)
    state, after = wished_state(), request.args.get("after")
    try:
        entries = services().store.entries(
            services().settings.server, state, after=after, limit=limit + 1
        )
    except OutboxError as error:
        if any(issue.code == "not-found" for issue in error.issues):
            raise wrong_parameter("after is not the id of a delivery.") from error
        raise
    shown = entries[:limit]
    more = _next(shown[-1].id, state, limit) if len(entries) > limit else None
    deliveries = [summary(entry) for entry in shown]
    data = {"deliveries": deliveries, "next": more}
    headers = {"Link": f'<{more}>; rel="next"'} if more else None
    return tagged_answer(data, [list(map(_steady, deliveries)), more], headers)


@blueprint.get(f"{SUBMISSIONS}/<submission_id>")
@needs("track")
@described({200: Answer("The submission.", "Submission")}, problems=(404,))
def show_submission(submission_id: str) -> Response:
    """Show what became of each record of a submission."""
    _ensure_plain_request()
    shared = services()
    submission = shared.submissions.get(submission_id)
    entries = [shared.store.entry(item.delivery) for item in submission.items]
    pairs = list(zip(submission.items, entries, strict=True))
    data = {
        "id": submission.id,
        "url": f"{SUBMISSIONS}/{submission.id}",
        "created_at": submission.created_at,
        "complete": all(entry.state in _SETTLED for entry in entries),
        "counts": dict(Counter(shown_state(entry) for entry in entries)),
        "deliveries": [
            {
                "place": item.place,
                "id": entry.id,
                "url": f"{DELIVERIES}/{entry.id}",
                "receipt": item.receipt,
                "state": shown_state(entry),
            }
            for item, entry in pairs
        ],
        "outcome": submission.outcome,
    }
    return tagged_answer(data)


def _ensure_plain_request(*parameters: str) -> None:
    ensure_accepts(JSON, FHIR_JSON)
    ensure_parameters(*parameters)


def wished_state() -> State | None:
    """Return the state that the query names, None for all; ProblemError 400 for no state."""
    wished = request.args.get("state")
    found = next((state for state in STATES if state == wished), None)
    if wished is not None and found is None:
        known = ", ".join(STATES)
        raise wrong_parameter(f"state is none of {known}; what is being sent is queued or unclear.")
    return found


def _next(after: str, state: State | None, limit: int) -> str:
    wished = {"state": state, "after": after, "limit": str(limit)}
    query = urlencode({name: value for name, value in wished.items() if value is not None})
    return f"{DELIVERIES}?{query}"


def summary(entry: Entry) -> dict[str, Any]:
    """Return what is told of a delivery wherever it is listed."""
    return {
        "id": entry.id,
        "url": f"{DELIVERIES}/{entry.id}",
        "server": entry.server,
        "state": shown_state(entry),
        "retry_at": _retry_at(entry),
        "attempt_count": entry.attempts,
        "record": {"type": entry.key.record, "id": entry.key.id, "source": entry.key.source},
        "created_at": entry.created_at,
    }


def shown_state(entry: Entry) -> str:
    """Return the state as people say it: what is leased is being sent."""
    return "sending" if entry.leased and entry.state in ("queued", "unclear") else entry.state


def _retry_at(entry: Entry) -> str | None:
    if entry.leased or entry.retry_in <= 0:
        return None
    return format_instant(services().now() + timedelta(seconds=entry.retry_in))


def _steady(data: dict[str, Any]) -> dict[str, Any]:
    # The retry time is told by another clock: it moves by milliseconds while nothing changes.
    return data | {"retry_at": data["retry_at"] is not None}


def _source(entry: Entry) -> dict[str, Any]:
    where = entry.location
    return {"file": where.file, "line": where.line, "pointer": where.pointer}


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "at": attempt.at,
        "state": attempt.state,
        "status": attempt.status,
        "outcome": attempt.outcome,
    }


def _resources(entry: Entry) -> list[dict[str, Any]]:
    """Return what the record makes and the server is known to hold, with its versions there."""
    shared = services()
    try:
        urls = [made.url for made in shared.mapper(shared.store.data(entry.id))]
    except MappingFailed:  # by a newer mapping than the one that it was sent with
        return []
    rows = shared.store.ledger(entry.server, urls)
    return [
        {"url": f"{entry.server}/{url}", "version": rows[url].version_id}
        for url in dict.fromkeys(urls)
        if url in rows
    ]
