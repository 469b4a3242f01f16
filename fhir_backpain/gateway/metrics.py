"""What the gateway counts, for Prometheus: read from the rows when it asks."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response, request

from fhir_backpain.gateway.description import Answer, described
from fhir_backpain.gateway.gate import needs
from fhir_backpain.gateway.guard import ensure_parameters
from fhir_backpain.gateway.services import Services, services
from fhir_backpain.telemetry.exposition import exposition
from fhir_backpain.telemetry.figure import Figure

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@needs("read")
@described({200: Answer("The metrics, as text.", "Text", "text/plain")})
def metrics() -> Response:
    """Show the metrics in the text format, or in OpenMetrics where that is accepted.

    https://prometheus.io/docs/instrumenting/exposition_formats/
    """
    ensure_parameters()
    shared = services()
    sources = (shared.store.figures, shared.requests.figures, lambda: _sending(shared))
    text, content_type = exposition(sources, request.headers.get("Accept", ""))
    return Response(text, 200, content_type=content_type)


def _sending(shared: Services) -> list[Figure]:
    """Return what only this process knows: whether it sends, and how the server answers it."""
    gateway = shared.gateway
    running = gateway is not None and gateway.is_running
    help_text = "1 while the gateway sends in the background."
    figures = [Figure("gateway_running", "gauge", help_text, (), (((), float(running)),))]
    if gateway is None:
        return figures
    server = gateway.server
    figures.append(
        _gauge("breaker_open", "1 while the server is only probed now and then.", server,
               float(gateway.keeps_away))
    )  # fmt: skip
    if gateway.contact.reachable is not None:
        text = "1 where the last request to the server was answered, whatever the answer."
        figures.append(_gauge("server_reachable", text, server, float(gateway.contact.reachable)))
    answered = gateway.contact.to_json()["last_answer_at"]
    if answered is not None:
        moment = datetime.fromisoformat(answered).timestamp()
        text = "When the server last answered."
        figures.append(_gauge("server_last_answer_timestamp_seconds", text, server, moment))
    return figures


def _gauge(name: str, help_text: str, server: str, number: float) -> Figure:
    return Figure(name, "gauge", help_text, ("server",), (((server,), number),))
