"""Records that a gateway has sent to a sandbox, for tests of what it holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from tests.records import exact


@dataclass(frozen=True)
class Sent:
    """A gateway, its outbox, and what it made of the records that it has sent."""

    app: Flask
    store: SqliteStore
    server: str
    records: list[dict[str, Any]]
    mapper: Mapper

    @property
    def api(self) -> FlaskClient:
        return self.app.test_client()

    def made(self, record: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Return what a record makes, by URL."""
        return {one.url: json.loads(one.text) for one in self.mapper(exact(record))}

    def all_made(self) -> dict[str, dict[str, Any]]:
        """Return what all records make; of what several make, what the last one says."""
        return {url: one for record in self.records for url, one in self.made(record).items()}
