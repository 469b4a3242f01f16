"""The flow page: what the gateway holds, counted from its rows."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, url_for

from fhir_backpain.gateway.gate import for_anyone, needs
from fhir_backpain.gateway.guard import ensure_accepts, ensure_parameters
from fhir_backpain.gateway.health import dispatcher_state
from fhir_backpain.gateway.html import page
from fhir_backpain.gateway.services import services
from fhir_backpain.outbox.clock import format_instant
from fhir_backpain.outbox.entry import State

blueprint = Blueprint("flow", __name__)

_MEANINGS: dict[State, str] = {
    "queued": "waits to be sent, perhaps for its time to try again",
    "unclear": "may have been sent; the server is read before anything else",
    "sent": "the server holds what the record says",
    "conflict": "the server has another version, or it was deleted there",
    "rejected": "the mapping or the server refused it",
    "held": "needs a resource that no record has brought yet",
    "superseded": "a newer version of the record took its place",
    "discarded": "a person took it out",
}


@blueprint.get("/")
@needs("read")
def flow() -> Response:
    """Show the counts by state, and links to them."""
    ensure_accepts("text/html")
    ensure_parameters()
    shared = services()
    counts = shared.store.counts(shared.settings.server)
    return page(
        "flow.html",
        server=shared.settings.server,
        counts=counts,
        meanings=_MEANINGS,
        total=sum(counts.values()),
        waiting=counts["queued"] + counts["unclear"] + counts["held"],
        trouble=counts["rejected"] + counts["conflict"],
        at=format_instant(shared.now()),
        dispatcher=dispatcher_state(shared),
    )


@blueprint.get("/favicon.ico")
@for_anyone
def icon() -> Response:
    """Lead to the icon that the pages name: browsers ask for this one where no page is shown."""
    return redirect(url_for("static", filename="favicon.svg"), 301)  # type: ignore[return-value]
