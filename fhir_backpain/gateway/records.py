"""Taking records: what is answered with 202 is on disk."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, request

from fhir_backpain.errors import OutboxError
from fhir_backpain.fhir.json_text import FHIR_JSON
from fhir_backpain.fhir.operation_outcome import outcome_text
from fhir_backpain.gateway.answer import fhir_answer, json_answer
from fhir_backpain.gateway.description import Answer, Parameter, described, fhir_answer_of
from fhir_backpain.gateway.dry_run import make_bundle
from fhir_backpain.gateway.gate import needs
from fhir_backpain.gateway.guard import (
    JSON,
    NDJSON,
    body_type,
    ensure_accepts,
    ensure_parameters,
    flag,
)
from fhir_backpain.gateway.intake import Batch, place_of, read_batch
from fhir_backpain.gateway.problem import store_problem
from fhir_backpain.gateway.services import services
from fhir_backpain.gateway.submissions import Item, Submission
from fhir_backpain.outbox.clock import format_instant
from fhir_backpain.outbox.entry import Receipt

blueprint = Blueprint("records", __name__, url_prefix="/api/v1/records")

_BODIES = {JSON: "Records", NDJSON[0]: "Lines"}
_PARTIAL = Parameter(
    "partial", "Take the good records of several, and tell of the others.", {"type": "boolean"}
)
DELIVERIES = "/api/v1/deliveries"
SUBMISSIONS = "/api/v1/submissions"


@blueprint.post("")
@needs("send")
@described(
    {202: Answer("All records are stored durably, and will be sent.", "Taken")},
    parameters=(_PARTIAL,),
    bodies=_BODIES,
)
def take() -> Response:
    """Store one record or several for delivery; 202 with the tracking URL in Location."""
    batch = _read()
    submission_id = str(uuid.uuid4())
    try:
        receipts = _store(batch, submission_id)
        if batch.is_single:
            answer, url = _receipt(receipts[0]), _delivery_url(receipts[0].id)
        else:
            url = f"{SUBMISSIONS}/{submission_id}"
            answer = {"id": submission_id, "url": url, **_submit(batch, receipts, submission_id)}
    except OutboxError as error:
        raise store_problem(error, writing=True) from error
    gateway = services().gateway
    if gateway is not None:
        gateway.wake()
    return json_answer(answer, 202, {"Location": url})


@blueprint.post("/$dry-run")
@needs("send")
@described(
    {200: fhir_answer_of("What would be sent, and what is wrong.", "Parameters")},
    parameters=(_PARTIAL,),
    bodies=_BODIES,
)
def dry_run() -> Response:
    """Show the transaction Bundle of records, and the problems of those that have any.

    FHIR: Parameters with ``bundle`` and ``outcome``.
    """
    batch = _read()
    bundle = make_bundle(batch.records, services())
    outcome = outcome_text(batch.outcome)
    return fhir_answer(
        '{"resourceType":"Parameters","parameter":['
        f'{{"name":"bundle","resource":{bundle}}},{{"name":"outcome","resource":{outcome}}}]}}'
    )


def _read() -> Batch:
    ensure_accepts(JSON, FHIR_JSON)
    kind = body_type()
    ensure_parameters("partial")
    shared = services()
    body = request.get_data(cache=False)
    return read_batch(body, kind, flag("partial"), shared.settings, shared.checker)


def _store(batch: Batch, submission_id: str) -> list[Receipt]:
    """Keep the records in one transaction: the settings allow no more than it takes."""
    shared = services()
    file = None if batch.is_single else f"{SUBMISSIONS}/{submission_id}"
    records = [replace(one, location=one.location.at(file=file)) for one in batch.records]
    return shared.store.append(records, shared.settings.server, shared.mapper.version)


def _submit(batch: Batch, receipts: list[Receipt], submission_id: str) -> dict[str, Any]:
    shared = services()
    items = tuple(
        Item.of(place_of(record.location), receipt)
        for record, receipt in zip(batch.records, receipts, strict=True)
    )
    outcome = batch.outcome.to_fhir() if batch.issues else None
    at = format_instant(shared.now())
    shared.submissions.add(Submission(submission_id, at, items, outcome))
    answer: dict[str, Any] = {
        "accepted": len(receipts),
        "refused": batch.refused,
        "deliveries": [
            {"place": item.place, **_receipt(receipt)}
            for item, receipt in zip(items, receipts, strict=True)
        ],
    }
    return answer if outcome is None else {**answer, "outcome": outcome}


def _receipt(receipt: Receipt) -> dict[str, Any]:
    return {"id": receipt.id, "url": _delivery_url(receipt.id), "receipt": receipt.status}


def _delivery_url(delivery_id: str) -> str:
    return f"{DELIVERIES}/{delivery_id}"
