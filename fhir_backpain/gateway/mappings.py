"""The mappings of the installation for programs: list, read, check and try them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from fhir_backpain.errors import ArtifactError
from fhir_backpain.fhir.json_text import FHIR_JSON, JsonLimits, parse
from fhir_backpain.fhir.operation_outcome import outcome_text
from fhir_backpain.gateway.answer import fhir_answer, json_answer, tagged, tagged_answer
from fhir_backpain.gateway.description import Answer, described, fhir_answer_of
from fhir_backpain.gateway.gate import needs
from fhir_backpain.gateway.guard import (
    JSON,
    YAML,
    body_type,
    ensure_accepts,
    ensure_parameters,
)
from fhir_backpain.gateway.mapping_book import MOST_TEXT, page_to_json
from fhir_backpain.gateway.messages import TOO_LARGE, WRONG_BODY
from fhir_backpain.gateway.problem import ProblemError
from fhir_backpain.gateway.services import services
from fhir_backpain.gateway.trial import Source, trial_to_json, try_out
from fhir_backpain.mapping.mapper import Mapper

blueprint = Blueprint("mappings", __name__, url_prefix="/api/v1/mappings")

_MOST_TRIED = 1000
_FIELDS = {"mapping", "source", "parameters"}


@blueprint.get("")
@needs("read")
@described({200: Answer("The mappings.", "Mappings")})
def index() -> Response:
    """List the mappings of the installation."""
    ensure_accepts(JSON, FHIR_JSON)
    ensure_parameters()
    shared = services()
    pages = [page_to_json(page) for page in shared.mappings.pages]
    return tagged_answer({"version": shared.mapper.version, "mappings": pages})


@blueprint.get("/<name>")
@needs("read")
@described({200: Answer("The mapping's YAML text.", "Text", YAML)}, problems=(404,))
def show(name: str) -> Response:
    """Show one mapping as it is written."""
    ensure_accepts(YAML, "text/plain")
    ensure_parameters()
    text = services().mappings.page(name).text
    return tagged(Response(text, 200, content_type=f"{YAML}; charset=utf-8"), text)


@blueprint.post("/$check")
@needs("read")
@described(
    {200: fhir_answer_of("What is wrong, each at its line.", "OperationOutcome")},
    bodies={YAML: "Text"},
)
def check() -> Response:
    """Check a mapping's text together with the installation, which stays as it is."""
    ensure_accepts(JSON, FHIR_JSON)
    ensure_parameters()
    body_type(YAML)
    body = request.get_data(cache=False)
    if len(body) > MOST_TEXT:
        raise ProblemError(TOO_LARGE.issue("A mapping has 256 KiB at most."))
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise ProblemError(WRONG_BODY.issue("The body is not UTF-8.")) from None
    return fhir_answer(outcome_text(services().mappings.check(text)))


@blueprint.post("/$try")
@needs("read")
@described({200: Answer("What would come of the source.", "Trial")}, bodies={JSON: "TrialRequest"})
def try_one() -> Response:
    """Try a mapping on a source: nothing is stored or sent.

    `mapping` is the text of a feed mapping for a table, or of a mapping that stands in the place
    of the installation's; without one, records are mapped as they would be.
    """
    ensure_accepts(JSON, FHIR_JSON)
    ensure_parameters()
    body_type(JSON)
    settings = services().settings
    limits = JsonLimits(max_bytes=settings.max_body, max_depth=4)
    given = _fields(parse(request.get_data(cache=False), limits))
    source, mapper = _trial_of(given)
    return json_answer(trial_to_json(try_out(source, mapper, _MOST_TRIED)))


def _fields(data: Any) -> dict[str, str]:
    if not isinstance(data, dict) or not data.keys() <= _FIELDS or "source" not in data:
        text = "The body is not an object with source, perhaps mapping and parameters."
        raise ProblemError(WRONG_BODY.issue(text))
    for name, value in data.items():
        if not isinstance(value, str):
            raise ProblemError(WRONG_BODY.issue(f"{name} is no text."))
    if len(data.get("mapping", "")) > MOST_TEXT:
        raise ProblemError(TOO_LARGE.issue("A mapping has 256 KiB at most."))
    return data


def _trial_of(given: dict[str, str]) -> tuple[Source, Mapper]:
    shared = services()
    text = given.get("mapping", "")
    if not text.strip() or shared.mappings.is_feed(text):
        return Source(given["source"], text, given.get("parameters", "")), shared.mapper
    try:
        return Source(given["source"]), shared.mappings.with_text(text)
    except ArtifactError:
        raise ProblemError(shared.mappings.check(text), status=422) from None
