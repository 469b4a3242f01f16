"""A world with a real sandbox server and the shipped mappings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pull_world import World

from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.sandbox.server import SandboxServer


@pytest.fixture(scope="session")
def mapper() -> Mapper:
    return load_mapper()


@pytest.fixture
def world(server: SandboxServer, mapper: Mapper, tmp_path: Path) -> Iterator[World]:
    found = World(server.base_url, mapper, tmp_path)
    yield found
    found.client.close()
