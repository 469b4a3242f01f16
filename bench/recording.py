"""The Bundles that the engine makes of records, kept instead of sent."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.sink_server import STATEMENT, answer
from fhir_backpain.client.capabilities import Capabilities
from fhir_backpain.client.client import FhirClient
from fhir_backpain.client.reply import Reply
from fhir_backpain.outbox.opening import open_store
from fhir_backpain.record import SourceRecord
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions
from fhir_backpain.sync.renderer import Renderer


class RecordingClient(FhirClient):
    """Keeps transactions and answers as a server that takes everything; sends nothing."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url)
        self.bodies: list[bytes] = []

    def capabilities(self) -> Capabilities:
        """Return what the sink says of itself."""
        return Capabilities(json.loads(STATEMENT))

    def transaction(self, bundle: str) -> Reply:
        """Keep a transaction."""
        body = bundle.encode()
        self.bodies.append(body)
        return Reply(200, {}, json.loads(answer(body)), None)


def recorded(
    base_url: str, renderer: Renderer, records: Iterable[SourceRecord], options: PushOptions
) -> list[bytes]:
    """Return the bodies that the engine would post for some records."""
    with (
        TemporaryDirectory() as folder,
        open_store(Path(folder) / "outbox.sqlite") as store,
        RecordingClient(base_url) as client,
    ):
        dispatcher = Dispatcher(store, client, renderer, options=options)
        dispatcher.append(records)
        result = dispatcher.run_until_idle()
    if not result.is_complete:
        raise RuntimeError(f"the Bundles were not made: {result}")
    return client.bodies
