"""Pages for people: rendered here, styled and scripted from this gateway alone."""

from __future__ import annotations

from typing import Any

from flask import Response, g, render_template

from fhir_backpain import __version__
from fhir_backpain.gateway.gate import FORM_KEY, form_key

PAGES = (
    ("/", "Flow"),
    ("/messages", "Messages"),
    ("/tables", "Tables"),
    ("/playground", "Playground"),
    ("/patients", "Patients"),
    ("/quality", "Data quality"),
    ("/servers", "Servers"),
    ("/api", "API"),
)
"""Addresses and titles of the pages that the navigation lists."""

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def page(template: str, *, status: int = 200, **context: Any) -> Response:
    """Return a rendered page; no other host is asked for anything, and no script is within it."""
    html = render_template(
        template,
        version=__version__,
        principal=g.get("principal"),
        form_key=form_key(),
        form_key_name=FORM_KEY,
        **context,
    )
    response = Response(html, status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _POLICY
    # Without any, a browser would send its forms with the origin "null".
    response.headers["Referrer-Policy"] = "same-origin"
    return response
