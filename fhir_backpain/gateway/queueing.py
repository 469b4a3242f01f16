"""From a source that was tried on a page to the outbox: all of its records, or none."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, redirect

from fhir_backpain.client.servers import ensure_may_receive
from fhir_backpain.gateway.gate import principal
from fhir_backpain.gateway.messages import NOT_ALLOWED, TOO_LARGE
from fhir_backpain.gateway.problem import ProblemError
from fhir_backpain.gateway.services import Services
from fhir_backpain.record import SourceRecord, is_test_data


def ensure_may_send() -> None:
    """Raise ProblemError 403 where the role does not give that."""
    if not principal().may("send"):
        raise ProblemError(NOT_ALLOWED.issue("The role does not give this."), status=403)


def queue(records: Sequence[SourceRecord], shared: Services) -> Response:
    """Keep all records of a source, each of which is good, and lead to the messages.

    Raises BackpainError for patient data that would go to a public server; ProblemError for more
    records than one transaction takes. Then nothing is kept.
    """
    if len(records) > shared.settings.max_records:
        text = f"The source has more than {shared.settings.max_records} records."
        raise ProblemError(TOO_LARGE.issue(text))
    for record in records:
        ensure_may_receive(
            shared.settings.server, is_test_data(record.data), shared.settings.allow_patient_data
        )
    shared.store.append(records, shared.settings.server, shared.mapper.version)
    if shared.gateway is not None:
        shared.gateway.wake()
    return redirect("/messages", 303)  # type: ignore[return-value]
