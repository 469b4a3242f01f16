"""JSON answers, their headers and their ETags."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from flask import Response, request

from fhir_backpain.fhir.json_text import FHIR_JSON, dump
from fhir_backpain.gateway.guard import JSON
from fhir_backpain.gateway.services import services

_HEADERS = {
    # Answers speak of patients' records: nobody on the way may keep them.
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def json_answer(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return data as application/json, each Decimal exactly as it is."""
    return text_answer(dump(data), status, headers)


def text_answer(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return JSON text as application/json."""
    return Response(text, status, dict(headers or {}), content_type=f"{JSON}; charset=utf-8")


def fhir_answer(text: str, status: int = 200) -> Response:
    """Return the JSON text of a resource as application/fhir+json."""
    return Response(text, status, content_type=f"{FHIR_JSON}; charset=utf-8")


def tagged_answer(
    data: Any, tag_of: Any = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Return data with an ETag, or 304 where the client has them already.

    `tag_of` is what the tag is made of where that is less than all data.
    """
    response = json_answer(data, headers=headers)
    return tagged(response, dump(data if tag_of is None else tag_of, sort_keys=True))


def tagged(response: Response, text: str) -> Response:
    """Give a response an ETag made of `text`, or let it be 304 where the client has that."""
    response.set_etag(blake2b(text.encode(), digest_size=12).hexdigest(), weak=True)
    response.make_conditional(request)
    return response


def secure(response: Response) -> Response:
    """Add the headers that every answer has, where the view did not set its own."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if services().settings.has_tls:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response
