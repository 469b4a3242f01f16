"""A made-up mapping, records for it, and a real sandbox server to push to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_backpain.outbox.sqlite import SqliteStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path / "outbox.db") as opened:
        yield opened
