"""The page for people: what the gateway holds, without scripts and without other hosts."""

from __future__ import annotations

import secrets

from flask import Blueprint, Response, render_template

from fhir_backpain import __version__
from fhir_backpain.gateway.guard import ensure_accepts, ensure_parameters
from fhir_backpain.gateway.health import dispatcher_state
from fhir_backpain.gateway.services import services

blueprint = Blueprint("page", __name__)


@blueprint.get("/")
def page() -> Response:
    """Show the counts by state, and links to them."""
    ensure_accepts("text/html")
    ensure_parameters()
    shared = services()
    counts = shared.store.counts(shared.settings.server)
    nonce = secrets.token_urlsafe(16)
    html = render_template(
        "gateway.html",
        nonce=nonce,
        version=__version__,
        server=shared.settings.server,
        counts=counts,
        total=sum(counts.values()),
        dispatcher=dispatcher_state(shared),
    )
    response = Response(html, 200, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return response
