"""The real counterparts: one HAPI server and one warm validator for the whole session.

FHIR_BACKPAIN_HAPI_URL points the tests at a FHIR R4 server that runs already.
FHIR_BACKPAIN_REQUIRE_SERVERS=1 turns "skipped" into "failed", for machines that must have them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import servers.hapi
import servers.validator
from servers.problem import RegistryUnreachableError, ToolMissingError

_MARKS = {
    "hapi": "server",
    "hapi_installation": "server",
    "hl7_validator": "validator",
    "validator_installation": "validator",
}
_FIRST_DOWNLOAD = 1200
"""Seconds: the first test that asks for a counterpart also downloads it."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the counterparts that it asks for, so that `-m "not server"` is right."""
    for item in items:
        for fixture, mark in _MARKS.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)
                item.add_marker(pytest.mark.timeout(_FIRST_DOWNLOAD))


@contextmanager
def _skipped_where_impossible() -> Iterator[None]:
    try:
        yield
    except (ToolMissingError, RegistryUnreachableError) as problem:
        if os.environ.get("FHIR_BACKPAIN_REQUIRE_SERVERS"):
            raise
        pytest.skip(str(problem))


@pytest.fixture(scope="session")
def hapi_installation() -> None:
    """HAPI is in the cache: for tests that start servers of their own."""
    with _skipped_where_impossible():
        servers.hapi.download()


@pytest.fixture(scope="session")
def validator_installation() -> None:
    """The validator is in the cache: for tests that start one with further packages."""
    with _skipped_where_impossible():
        servers.validator.download()


@pytest.fixture(scope="session")
def hapi(request: pytest.FixtureRequest) -> Iterator[str]:
    """The base URL of a HAPI FHIR R4 server; tests share it, so each makes ids of its own."""
    running = os.environ.get("FHIR_BACKPAIN_HAPI_URL")
    if running:
        yield running.rstrip("/")
        return
    request.getfixturevalue("hapi_installation")
    with servers.hapi.HapiServer(release="R4") as server:
        yield server.base_url


@pytest.fixture(scope="session")
def hl7_validator(validator_installation: None) -> Iterator[servers.validator.Validator]:
    """HL7's validator for FHIR 4.0.1, without further packages."""
    with servers.validator.Validator("4.0.1") as validator:
        yield validator
