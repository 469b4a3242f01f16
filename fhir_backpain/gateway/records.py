"""Taking records: what is answered with 202 is on disk."""

from __future__ import annotations

import uuid
from contextlib import nullcontext
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
    CSV,
    JSON,
    MULTIPART,
    NDJSON,
    body_type,
    ensure_accepts,
    ensure_parameters,
    flag,
    wrong_parameter,
)
from fhir_backpain.gateway.idempotency import KEY_PARAMETER, idempotent
from fhir_backpain.gateway.intake import Batch, place_of, read_batch, read_table
from fhir_backpain.gateway.problem import store_problem
from fhir_backpain.gateway.services import services
from fhir_backpain.gateway.submissions import Item, Submission
from fhir_backpain.gateway.table_intake import SentTable
from fhir_backpain.outbox.clock import format_instant
from fhir_backpain.outbox.entry import Receipt

blueprint = Blueprint("records", __name__, url_prefix="/api/v1/records")

_BODIES = {JSON: "Records", NDJSON[0]: "Lines", CSV: "Text", MULTIPART: "TableForm"}
_PARAMETERS = (
    Parameter(
        "partial",
        "Take the good records of several, and tell of the others. Lines and tables may then have "
        "up to 20,000: they are stored a thousand at a time.",
        {"type": "boolean"},
    ),
    Parameter("mapping", "The feed mapping of a table, by name.", {"type": "string"}),
    Parameter(
        "set",
        "A parameter of the feed mapping as NAME=VALUE; may be repeated.",
        {"type": "array", "items": {"type": "string"}},
    ),
)
DELIVERIES = "/api/v1/deliveries"
SUBMISSIONS = "/api/v1/submissions"


@blueprint.post("")
@needs("send")
@described(
    {202: Answer("All records are stored durably, and will be sent.", "Taken")},
    parameters=(*_PARAMETERS, KEY_PARAMETER),
    bodies=_BODIES,
    problems=(404, 409),
)
@idempotent
def take() -> Response:
    """Store one record or several for delivery; 202 with the tracking URL in Location."""
    batch = _read(counted=True)
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
    parameters=_PARAMETERS,
    bodies=_BODIES,
    problems=(404,),
)
def dry_run() -> Response:
    """Show the transaction Bundle of records, and the problems of those that have any.

    FHIR: Parameters with ``bundle`` and ``outcome``.
    """
    batch = _read(counted=False)
    bundle = make_bundle(batch.records, services())
    outcome = outcome_text(batch.outcome)
    return fhir_answer(
        '{"resourceType":"Parameters","parameter":['
        f'{{"name":"bundle","resource":{bundle}}},{{"name":"outcome","resource":{outcome}}}]}}'
    )


def _read(*, counted: bool) -> Batch:
    """Return the records of the request; where they are `counted`, so is what was refused."""
    ensure_accepts(JSON, FHIR_JSON)
    kind = body_type(*_BODIES, *NDJSON)
    ensure_parameters("partial", "mapping", repeated=("set",))
    shared, partial = services(), flag("partial")
    table = SentTable.of_request(kind, shared.mappings) if kind in (CSV, MULTIPART) else None
    columns = table.columns if table is not None else frozenset()
    with shared.refusals.noted(columns) if counted else nullcontext():
        if table is not None:
            batch = read_table(table, partial, shared.settings, shared.checker)
        else:
            batch = read_batch(_body(), kind, partial, shared.settings, shared.checker)
    if counted:
        shared.refusals.note(batch.issues, columns)
    return batch


def _body() -> bytes:
    if "mapping" in request.args or "set" in request.args:
        raise wrong_parameter("mapping and set are for tables.")
    return request.get_data(cache=True)


def _store(batch: Batch, submission_id: str) -> list[Receipt]:
    """Keep the records: in one transaction, where they are all or nothing."""
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
