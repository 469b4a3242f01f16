"""The OpenAPI document of the gateway, made of what stands beside its views, and a page of it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from apispec import APISpec
from flask import Blueprint, Flask, Response, current_app
from werkzeug.routing import Rule

from fhir_backpain import __version__
from fhir_backpain.fhir.json_text import FHIR_JSON
from fhir_backpain.gateway.answer import json_answer
from fhir_backpain.gateway.answer_schemas import SCHEMAS
from fhir_backpain.gateway.description import Answer, Description, described, description_of
from fhir_backpain.gateway.gate import for_anyone, need_of, needs
from fhir_backpain.gateway.guard import JSON, ensure_accepts, ensure_parameters
from fhir_backpain.gateway.html import page

blueprint = Blueprint("openapi", __name__)

_ALWAYS = (400, 406, 500, 503)
_WITH_ACCESS = (401, 403)
_WITH_BODY = (411, 413, 415, 422, 507)
_PROBLEMS = {
    400: "The request cannot be read, or a parameter is wrong.",
    401: "Nobody is known to ask.",
    403: "The access does not reach that far, or a foreign page asks.",
    404: "There is no such thing.",
    406: "Nothing that is accepted is offered.",
    410: "It was taken back.",
    409: "It is being sent just now, or another took its place.",
    411: "The length of the body is not given.",
    413: "The body is too large.",
    415: "The body is of a media type that is not read here.",
    422: "A record or resource is wrong; the places are named.",
    500: "The gateway failed.",
    503: "Try again later; Retry-After says when.",
    507: "There is no room to store anything.",
}
_ARGUMENT = re.compile(r"<(?:[^:>]+:)?([^>]+)>")


@blueprint.get("/openapi.json")
@for_anyone
@described({200: Answer("The document.", "Document")})
def document() -> Response:
    """Return the OpenAPI document of this gateway."""
    ensure_accepts(JSON)
    ensure_parameters()
    return json_answer(document_of(current_app))


@blueprint.get("/api")
@needs("track")
def show() -> Response:
    """Show the API to people."""
    ensure_accepts("text/html")
    ensure_parameters()
    return page("api.html", document=document_of(current_app))


def document_of(app: Flask) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of an application."""
    return _document(getattr(app, "_get_current_object", lambda: app)())


@cache
def _document(app: Flask) -> dict[str, Any]:
    spec = APISpec(
        title="fhir-backpain gateway",
        version=__version__,
        openapi_version="3.1.0",
        info={
            "description": "Takes records of back-pain care, keeps them durably, and sends them "
            "to a FHIR server, each exactly once in effect. Problems are OperationOutcomes."
        },
    )
    for name, schema in SCHEMAS.items():
        spec.components.schema(name, schema)
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    for path, operations in _paths(app):
        spec.path(path=path, operations=operations)
    found: dict[str, Any] = spec.to_dict()
    return found


def _paths(app: Flask) -> Iterator[tuple[str, dict[str, Any]]]:
    paths: dict[str, dict[str, Any]] = {}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        view = app.view_functions[rule.endpoint]
        description = description_of(view)
        if description is None:
            continue
        path = _ARGUMENT.sub(r"{\1}", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            operation = _operation(app, rule, view, description)
            paths.setdefault(path, {})[method.lower()] = operation
    return iter(paths.items())


def _operation(
    app: Flask, rule: Rule, view: Callable[..., Any], description: Description
) -> dict[str, Any]:
    summary, _, more = (inspect.getdoc(view) or "").partition("\n")
    need = need_of(app, rule.endpoint)
    operation: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": summary,
        "responses": {
            str(status): _answer(answer) for status, answer in description.answers.items()
        },
    }
    if more.strip():
        operation["description"] = more.strip()
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in sorted(rule.arguments)
    ] + [
        {"name": one.name, "in": one.where, "description": one.what, "schema": dict(one.schema)}
        for one in description.parameters
    ]
    if parameters:
        operation["parameters"] = parameters
    statuses = {*_ALWAYS, *description.problems}
    if need != "open":
        operation["security"] = [{"token": []}]
        statuses |= set(_WITH_ACCESS)
    if description.bodies:
        operation["requestBody"] = {
            "required": description.needs_body,
            "content": {media: _content(name) for media, name in description.bodies.items()},
        }
        statuses |= set(_WITH_BODY)
    for status in sorted(statuses - description.answers.keys()):
        problem = Answer(_PROBLEMS[status], "OperationOutcome", FHIR_JSON)
        operation["responses"][str(status)] = _answer(problem)
    return operation


def _answer(answer: Answer) -> dict[str, Any]:
    told: dict[str, Any] = {"description": answer.what}
    if answer.schema is not None:
        told["content"] = {answer.media: _content(answer.schema)}
    return told


def _content(name: str) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{name}"}}
