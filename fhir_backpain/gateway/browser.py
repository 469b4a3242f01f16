"""The message browser: every delivery with its record, what became of it, and what can be done."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, request

from fhir_backpain.errors import MappingFailed
from fhir_backpain.gateway.decision import DECISIONS, decide
from fhir_backpain.gateway.deliveries import shown_state, wished_state
from fhir_backpain.gateway.disclosure import tell_shown
from fhir_backpain.gateway.gate import needs, principal
from fhir_backpain.gateway.guard import ensure_accepts, ensure_parameters, wrong_parameter
from fhir_backpain.gateway.html import page
from fhir_backpain.gateway.json_view import record_lines, resource_lines
from fhir_backpain.gateway.services import Services, services
from fhir_backpain.gateway.standing import standings
from fhir_backpain.mapping.trace.account import RecordAccount
from fhir_backpain.outbox.entry import STATES, Entry
from fhir_backpain.outbox.ledger import LedgerRow

blueprint = Blueprint("browser", __name__)

MESSAGES = "/messages"
_PAGE = 50


@blueprint.get(MESSAGES)
@needs("read")
def index() -> Response:
    """Show deliveries by state, in the order of their arrival."""
    ensure_accepts("text/html")
    ensure_parameters("state", "after")
    shared = services()
    state = wished_state()
    entries = shared.store.entries(
        shared.settings.server, state, after=request.args.get("after"), limit=_PAGE + 1
    )
    more = entries[_PAGE - 1].id if len(entries) > _PAGE else None
    return _list(entries[:_PAGE], state=state, more=more)


@blueprint.post(MESSAGES)
@needs("read")
def search() -> Response:
    """Show the deliveries that have the given key; it is a form, so that no URL holds a key."""
    ensure_parameters()
    shared = services()
    words = request.form.get("key", "").strip()
    found = shared.store.search(shared.settings.server, words, _PAGE) if words else []
    return _list(found, words=words)


@blueprint.get(f"{MESSAGES}/<entry_id>")
@needs("read")
def show(entry_id: str) -> Response:
    """Show one delivery; that its data were shown stands in the audit trail."""
    ensure_accepts("text/html")
    ensure_parameters()
    return _show(entry_id)


@blueprint.post(f"{MESSAGES}/<entry_id>")
@needs("operate")
def act(entry_id: str) -> Response:
    """Compare with the server (``compare``), replay or discard a delivery."""
    ensure_parameters()
    wish = request.form.get("act", "")
    if wish == "compare":
        return _show(entry_id, compare=True)
    decision = next((one for one in DECISIONS if one == wish), None)
    if decision is None:
        raise wrong_parameter("act is none of compare, replay and discard.")
    decide(entry_id, decision, request.form.get("because", "").strip() or None)
    return redirect(f"{MESSAGES}/{entry_id}", 303)  # type: ignore[return-value]


def _list(entries: list[Entry], **context: Any) -> Response:
    rows = [(one, shown_state(one)) for one in entries]
    counts = services().store.counts(services().settings.server)
    return page("messages.html", rows=rows, states=STATES, counts=counts, **context)


def _show(entry_id: str, *, compare: bool = False) -> Response:
    shared = services()
    entry = shared.store.entry(entry_id)
    data = shared.store.data(entry_id)
    tell_shown([entry_id])
    return page(
        "message.html",
        entry=entry,
        state=shown_state(entry),
        attempts=shared.store.attempts(entry_id),
        record=record_lines(data),
        may_operate=principal().may("operate"),
        **_made(entry, data, shared, compare=compare),
    )


def _made(entry: Entry, data: dict[str, Any], shared: Services, *, compare: bool) -> dict[str, Any]:
    """Return what the record makes with the present mappings, and how that stands."""
    try:
        made, trace = shared.mapper(data), shared.mapper.trace(data)
    except MappingFailed as error:
        return {"problem": str(error), "resources": [], "account": []}
    rows = shared.store.ledger(entry.server, [one.url for one in made])
    account = RecordAccount.of(data, trace, shared.mapper.declarations(data["record"]))
    found: dict[str, Any] = {
        "resources": [
            (one.url, one.mapping, _version(rows.get(one.url)), resource_lines(one, trace))
            for one in trace.resources
        ],
        "account": account.leaves,
    }
    if compare and shared.gateway is not None:
        found["standings"] = standings(made, rows, shared.gateway.client)
    return found


def _version(row: LedgerRow | None) -> str:
    if row is None:
        return "not there, as far as is known"
    return row.retired or f"version {row.version_id or 'unknown'}"
