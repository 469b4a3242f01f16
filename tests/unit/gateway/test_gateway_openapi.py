"""The OpenAPI document is valid, complete, and what the gateway really does."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate

from fhir_backpain.gateway.description import description_of
from fhir_backpain.gateway.openapi import document_of


def test_the_document_is_openapi(app: Flask) -> None:
    validate(document_of(app))


def test_every_view_of_the_api_is_described(app: Flask) -> None:
    """What is no page for people is in the document."""
    pages = {
        "/",
        "/api",
        "/favicon.ico",
        "/messages",
        "/patients",
        "/playground",
        "/quality",
        "/servers",
        "/tables",
        "/sign-in",
        "/sign-out",
        "/static",
    }
    for rule in app.url_map.iter_rules():
        if "/" + rule.rule.split("/")[1] in pages and not rule.rule.startswith("/api/"):
            continue
        assert description_of(app.view_functions[rule.endpoint]), rule.rule


def test_no_reference_leads_nowhere(app: Flask) -> None:
    document = document_of(app)
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known


def references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for one in node for found in references(one)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [found for one in node.values() for found in references(one)]


@pytest.mark.parametrize("path", ["/openapi.json", "/api"])
def test_it_is_served(app: Flask, path: str) -> None:
    answer = app.test_client().get(path)
    assert answer.status_code == 200
    assert "/api/v1/records" in answer.text
