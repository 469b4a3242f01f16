"""The FHIR operations of the gateway: $validate, $transform and $extract. Nothing is stored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from flask import Blueprint, Response, request

from fhir_backpain.fhir.bundle import put_bundle
from fhir_backpain.fhir.json_text import FHIR_JSON, parse
from fhir_backpain.fhir.operation_outcome import outcome_text
from fhir_backpain.gateway.answer import fhir_answer
from fhir_backpain.gateway.description import Parameter, described, fhir_answer_of
from fhir_backpain.gateway.fhir_body import Resource, parameters_of, resource_answer, sent_resource
from fhir_backpain.gateway.gate import needs
from fhir_backpain.gateway.guard import (
    CSV,
    JSON,
    body_type,
    ensure_format,
    ensure_parameters,
    wrong_parameter,
)
from fhir_backpain.gateway.intake import read_batch, read_table
from fhir_backpain.gateway.mapping_book import Page
from fhir_backpain.gateway.messages import NO_RESOURCE, WRONG_SOURCE, WRONG_TYPE
from fhir_backpain.gateway.problem import ProblemError
from fhir_backpain.gateway.services import services
from fhir_backpain.gateway.table_intake import SentTable, settled
from fhir_backpain.intake.extraction import assessment_of
from fhir_backpain.outcome import Issue
from fhir_backpain.record import SourceRecord
from fhir_backpain.validation.resource.validator import BuiltInValidator

blueprint = Blueprint("fhir_operations", __name__, url_prefix="/fhir")

_CANONICAL = re.compile(r"https?://[\w./|-]{1,200}", re.ASCII)
_FORMAT = Parameter("_format", "json, or a media type of it.", {"type": "string"})
_PROFILE = Parameter(
    "profile", "A profile to hold the resource against, beside those it claims.", {"type": "string"}
)
_RESOURCES = {FHIR_JSON: "Resource", JSON: "Resource"}
_VALID = {
    200: fhir_answer_of("What is wrong; good where no issue is an error.", "OperationOutcome")
}


@blueprint.post("/$validate")
@needs("track")
@described(_VALID, parameters=(_FORMAT, _PROFILE), bodies=_RESOURCES)
def validate() -> Response:
    """Hold a resource against R4, the profiles that it claims, and `profile`.

    The body is the resource, or Parameters with `resource` and perhaps `profile`.
    """
    return _validated(None)


@blueprint.post("/<resource_type>/$validate")
@needs("track")
@described(_VALID, parameters=(_FORMAT, _PROFILE), bodies=_RESOURCES)
def validate_type(resource_type: str) -> Response:
    """Hold a resource of one type against R4, the profiles that it claims, and `profile`."""
    return _validated(resource_type)


@blueprint.post("/StructureMap/<mapping>/$transform")
@needs("track")
@described(
    {200: fhir_answer_of("A collection of what the mapping makes.", "Bundle")},
    parameters=(
        _FORMAT,
        Parameter(
            "set",
            "A parameter of a feed mapping as NAME=VALUE; may be repeated.",
            {"type": "array", "items": {"type": "string"}},
        ),
    ),
    bodies={JSON: "Record", CSV: "Text"},
    problems=(404,),
)
def transform(mapping: str) -> Response:
    """Run one mapping: of a record it makes resources, of a table what its records make.

    The source is a record of ours, which is no resource, so that it is the body itself.
    """
    ensure_format()
    ensure_parameters("_format", repeated=("set",))
    page = services().mappings.page(mapping)
    if page.kind == "feed":
        body_type(CSV)
        made = _of_table(services().mappings.feed(mapping))
    else:
        body_type(JSON)
        made = _of_record(page)
    return resource_answer(_collection(made))


@blueprint.post("/QuestionnaireResponse/$extract")
@needs("track")
@described(
    {200: fhir_answer_of("Parameters with `return`, a transaction, and `issues`.", "Parameters")},
    parameters=(_FORMAT,),
    bodies=_RESOURCES,
)
def extract() -> Response:
    """Return the transaction of what a filled-in questionnaire says: answers, scores, patient.

    The body is the QuestionnaireResponse, or Parameters with `questionnaire-response`.

    FHIR: http://hl7.org/fhir/uv/sdc/OperationDefinition/QuestionnaireResponse-extract
    """
    ensure_format()
    ensure_parameters("_format")
    shared = services()
    response, _ = _subject_of(sent_resource(), "questionnaire-response")
    if response["resourceType"] != "QuestionnaireResponse":
        raise ProblemError(WRONG_TYPE.issue("The resource is no QuestionnaireResponse."))
    record = assessment_of(response, shared.mapper.library.instruments)
    issues = shared.checker.check(record)
    if any(issue.is_error for issue in issues):
        raise ProblemError(issues, status=422)
    bundle = put_bundle(shared.mapper(record), base_url=shared.settings.server)
    return fhir_answer(
        '{"resourceType":"Parameters","parameter":['
        f'{{"name":"return","resource":{bundle}}},'
        f'{{"name":"issues","resource":{outcome_text(issues)}}}]}}'
    )


def _validated(resource_type: str | None) -> Response:
    ensure_format()
    ensure_parameters("_format", "profile")
    resource, profile = _subject_of(sent_resource(), "resource")
    issues: list[Issue] = []
    if resource_type not in (None, resource["resourceType"]):
        issues.append(WRONG_TYPE.issue("The resource is not of the type in the path."))
    profile = request.args.get("profile", profile)
    if profile is not None and not _CANONICAL.fullmatch(profile):
        raise wrong_parameter("profile is no canonical URL.")
    return fhir_answer(outcome_text([*issues, *_validator(profile).validate(resource)]))


def _subject_of(sent: Resource, name: str) -> tuple[Resource, str | None]:
    """Return the resource that an operation is about, and the profile of Parameters."""
    if sent["resourceType"] != "Parameters":
        return sent, None
    given = parameters_of(sent)
    found, profile = given.get(name), given.get("profile")
    if not isinstance(found, dict) or not isinstance(found.get("resourceType"), str):
        text = f"The Parameters have no resource '{name}'."
        raise ProblemError(NO_RESOURCE.issue(text), status=400)
    return found, profile if isinstance(profile, str) else None


@lru_cache(maxsize=16)
def _validator(profile: str | None) -> BuiltInValidator:
    return BuiltInValidator(profiles=() if profile is None else (profile,))


def _of_table(feed: Any) -> Iterator[Resource]:
    shared = services()
    content = request.get_data(cache=False)
    table = SentTable.of_content(content, feed, settled(feed, request.args.getlist("set")))
    batch = read_table(table, False, shared.settings, shared.checker)
    return _made(batch.records, None)


def _of_record(page: Page) -> Iterator[Resource]:
    shared = services()
    body = request.get_data(cache=False)
    batch = read_batch(body, JSON, False, shared.settings, shared.checker)
    wrong = next((one for one in batch.records if one.data["record"] not in page.sources), None)
    if wrong is not None or not batch.is_single:
        text = f"The mapping reads one record, of the type {' or '.join(page.sources)}."
        raise ProblemError(WRONG_SOURCE.issue(text))
    return _made(batch.records, page.name)


def _made(records: Iterable[SourceRecord], mapping: str | None) -> Iterator[Resource]:
    mapper = services().mapper
    for record in records:
        if mapping is None:
            yield from (parse(one.text) for one in mapper(record.data))
        else:
            traced = mapper.trace(record.data).resources
            yield from (one.json for one in traced if one.mapping == mapping)


def _collection(resources: Iterable[Resource]) -> Resource:
    server = services().settings.server
    by_url = {f"{one['resourceType']}/{one['id']}": one for one in resources}
    entries = [{"fullUrl": f"{server}/{url}", "resource": one} for url, one in by_url.items()]
    bundle: Resource = {"resourceType": "Bundle", "type": "collection"}
    return {**bundle, "entry": entries} if entries else bundle
