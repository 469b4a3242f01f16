"""Each request's id, and one line of log about it that names no patient.

It tells method, the route (not the path), status, bytes, milliseconds and the id.
"""

from __future__ import annotations

import logging
import re
import time
import uuid

from flask import Flask, Response, g, request

from fhir_backpain.gateway.services import services
from fhir_backpain.telemetry.event import log

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_logger = logging.getLogger("fhir_backpain.gateway.access")


def register(app: Flask) -> None:
    """Give each request of an application an id and a line."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _ID.fullmatch(given) else str(uuid.uuid4())
    g.begun = time.monotonic()


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    # The route and not the path, known methods alone: whatever a client writes stays out.
    method = request.method if request.method in _METHODS else "other"
    route = request.url_rule.rule if request.url_rule else None
    services().requests.add(method, route, response.status_code)
    log(
        _logger, logging.INFO, "request", method=method, route=route, status=response.status_code,
        bytes=response.calculate_content_length(),
        ms=round((time.monotonic() - g.begun) * 1000, 1), request=g.request_id,
    )  # fmt: skip
    return response
