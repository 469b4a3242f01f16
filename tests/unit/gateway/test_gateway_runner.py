"""The sending thread outlives errors, and stops when asked."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import OutboxError
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.gateway.runner import Gateway
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.messages import BUSY
from fhir_backpain.outbox.postgres import PostgresStore
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import SourceRecord
from fhir_backpain.sandbox.server import SandboxServer


class FailingOnce(SqliteStore):
    """A store that fails on the first lease."""

    error: Exception | None = None

    def lease(self, *arguments: Any) -> Any:
        error, self.error = self.error, None
        if error is not None:
            raise error
        return super().lease(*arguments)


@pytest.mark.parametrize(
    "error", [OutboxError(BUSY.issue("Locked.")), RuntimeError("the secret of John Doe")]
)
def test_it_goes_on_after_an_error(
    tmp_path: Path,
    mapper: Mapper,
    records: list[Any],
    error: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        SandboxServer() as sandbox,
        FailingOnce(tmp_path / "o") as store,
        FhirClient(sandbox.base_url) as fhir,
    ):
        store.error = error
        record = SourceRecord(records[0], SourceLocation())
        (receipt,) = store.append([record], sandbox.base_url, mapper.version)
        gateway = Gateway(store, mapper, fhir, poll_seconds=0.05)
        gateway.start()
        try:
            while store.entry(receipt.id).state != "sent" or gateway.fault:
                gateway._stopping.wait(0.05)
        finally:
            assert gateway.stop(20)
    assert "sending-interrupted" in caplog.text
    assert "John" not in caplog.text


def wait_until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_what_another_process_stores_is_sent_at_once(
    postgres_url: str, mapper: Mapper, records: list[Any]
) -> None:
    schema = f"outbox_{uuid.uuid4().hex}"
    with (
        SandboxServer() as sandbox,
        PostgresStore(postgres_url, schema=schema) as store,
        PostgresStore(postgres_url, schema=schema) as other,
        FhirClient(sandbox.base_url) as fhir,
    ):
        gateway = Gateway(store, mapper, fhir, poll_seconds=3600)
        gateway.start()
        try:
            wait_until(lambda: gateway.last_result == "idle")
            for number, data in enumerate(records[:2], 1):
                # The gateway is asleep now, or about to be: only a notification wakes it.
                record = SourceRecord(data, SourceLocation())
                other.append([record], gateway.server, mapper.version)
                wait_until(lambda: other.counts()["sent"] == number)  # noqa: B023
        finally:
            assert gateway.stop(20)


def test_stopping_before_the_start_is_no_error(tmp_path: Path, mapper: Mapper) -> None:
    with SqliteStore(tmp_path / "o") as store, FhirClient("http://127.0.0.1:9") as fhir:
        assert Gateway(store, mapper, fhir).stop(1)


def test_what_cannot_be_finished_in_time_is_given_back(
    tmp_path: Path, mapper: Mapper, records: list[Any]
) -> None:
    class Holding:
        """A renderer that a test holds up."""

        version = mapper.version

        def __init__(self) -> None:
            self.begun, self.go = threading.Event(), threading.Event()

        def __call__(self, data: dict[str, Any]) -> list[MadeResource]:
            self.begun.set()
            self.go.wait(60)
            return mapper(data)

    holding = Holding()
    with SandboxServer() as sandbox, FhirClient(sandbox.base_url) as fhir:
        with SqliteStore(tmp_path / "o") as store:
            record = SourceRecord(records[0], SourceLocation())
            store.append([record], sandbox.base_url, mapper.version)
            gateway = Gateway(store, holding, fhir)
            gateway.start()
            assert holding.begun.wait(60)
            assert not gateway.stop(0.05)
        with SqliteStore(tmp_path / "o") as store:
            (leased,) = store.lease(sandbox.base_url, "next", 10, 60)
            assert leased.read_back
        holding.go.set()
        gateway._thread.join(60)
        assert not gateway._thread.is_alive()
