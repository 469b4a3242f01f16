"""Telling the audit trail whose data were shown, to whom, and in which request."""

from __future__ import annotations

from collections.abc import Iterable

from fhir_backpain.gateway.gate import actor
from fhir_backpain.gateway.problem import request_id
from fhir_backpain.gateway.services import services
from fhir_backpain.outbox.act import Act


def tell_shown(entries: Iterable[str]) -> None:
    """Note that the data of entries are shown, each once; before they are, so that none is missed.

    The line names the X-Request-Id of the answer.
    """
    detail = {"request": request_id()}
    acts = [Act("shown", one, by=actor(), detail=detail) for one in dict.fromkeys(entries)]
    services().store.tell(acts)
