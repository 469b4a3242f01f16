"""The real counterparts: one HAPI server and one warm validator for the whole session.

FHIR_BACKPAIN_HAPI_URL points the tests at a FHIR R4 server that runs already.
FHIR_BACKPAIN_US_CORE names the package file of US Core 6.1.0, on which the profiles build.
FHIR_BACKPAIN_REQUIRE_SERVERS=1 turns "skipped" into "failed", for machines that must have them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import servers.hapi
from fhir_backpain.artifacts.finder import profiles_folder
from fhir_backpain.hl7 import validator as hl7
from fhir_backpain.toolchain.problem import RegistryUnreachableError, ToolMissingError
from servers.profiles.us_core import VARIABLE

_MARKS = {
    "hapi": "server",
    "hapi_installation": "server",
    "hl7_validator": "validator",
    "profile_validator": "validator",
    "validator_installation": "validator",
}
_US_CORE = Path(__file__).parents[3] / "shared/tools/hl7-validator/packages/us_core_610.tgz"
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
        hl7.download()


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
def hl7_validator(validator_installation: None) -> Iterator[hl7.Validator]:
    """HL7's validator for FHIR 4.0.1, without further packages."""
    with hl7.Validator("4.0.1") as validator:
        yield validator


@pytest.fixture(scope="session")
def us_core() -> Path:
    """The package file of US Core 6.1.0."""
    named = os.environ.get(VARIABLE)
    file = Path(named) if named else _US_CORE
    if not file.is_file():
        pytest.skip(f"US Core is not here; name its package file in {VARIABLE}")
    return file


@pytest.fixture(scope="session")
def profile_validator(validator_installation: None, us_core: Path) -> Iterator[hl7.Validator]:
    """HL7's validator for FHIR 4.0.1 with US Core and the package of profiles."""
    with hl7.Validator("4.0.1", [us_core, profiles_folder() / "package"]) as validator:
        yield validator
