"""PostgreSQL for every test that asks for it: one server for the whole session.

FHIR_BACKPAIN_POSTGRES_URL points the tests at a server that runs already.
FHIR_BACKPAIN_REQUIRE_SERVERS=1 turns "skipped" into "failed", for machines that must have one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from fhir_backpain.toolchain.problem import ToolMissingError
from servers.postgres import PostgresCluster, RunningPostgres, find_postgres

pytest_plugins = ["tests.command", "tests.sending"]


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
