"""What all tests share: how they are dealt out to processes, and PostgreSQL for those that ask.

`make test` runs the tests in as many processes as the machine has cores. A module stays together,
and so do all tests against real counterparts, which share one HAPI server and one validator.

FHIR_BACKPAIN_POSTGRES_URL points the tests at a server that runs already.
FHIR_BACKPAIN_REQUIRE_SERVERS=1 turns "skipped" into "failed", for machines that must have one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_backpain.toolchain.problem import ToolMissingError
from servers.postgres import PostgresCluster, RunningPostgres, find_postgres

_COUNTERPARTS = Path(__file__).parent / "contract"

pytest_plugins = ["tests.command", "tests.sending"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say which tests go to the same process."""
    for item in items:
        together = _COUNTERPARTS.name if _COUNTERPARTS in item.path.parents else item.path.stem
        item.add_marker(pytest.mark.xdist_group(together))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresCluster | RunningPostgres]:
    """A PostgreSQL server; tests share it, so each makes databases or schemas of its own."""
    try:
        server = find_postgres()
    except ToolMissingError as problem:
        if os.environ.get("FHIR_BACKPAIN_REQUIRE_SERVERS"):
            raise
        pytest.skip(str(problem))
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres_url(postgres: PostgresCluster | RunningPostgres) -> str:
    """A database whose schemas the tests make: one for each test."""
    return postgres.create_database()
