"""The flow page: what the gateway holds, counted from its rows."""

from __future__ import annotations

from flask import Blueprint, Response

from fhir_backpain.gateway.gate import needs
from fhir_backpain.gateway.guard import ensure_accepts, ensure_parameters
from fhir_backpain.gateway.health import dispatcher_state
from fhir_backpain.gateway.html import page
from fhir_backpain.gateway.services import services

blueprint = Blueprint("flow", __name__)


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
        total=sum(counts.values()),
        dispatcher=dispatcher_state(shared),
    )
