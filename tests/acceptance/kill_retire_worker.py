"""A process that pushes one version of its records, as often as it is started.

Arguments: outbox file, base URL of the server, number of records, the side that they all name.
"""

from __future__ import annotations

import json
import sys
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from kill_sync_worker import records

from fhir_backpain.client.client import FhirClient
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.outbox.retry import RetryPolicy
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.record import SourceRecord
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions


class SideRenderer:
    """An observation whose identity has the side in it."""

    version = "sides-1"

    def __call__(self, data: dict[str, Any]) -> list[MadeResource]:
        resource_id = str(uuid5(NAMESPACE_URL, f"{data['id']} {data['side']}"))
        content = {"status": "final", "code": {"text": data["side"]}}
        text = json.dumps({"resourceType": "Observation", "id": resource_id, **content})
        return [MadeResource("Observation", resource_id, text)]


def main(database: str, base_url: str, count: int, side: str) -> None:
    """Append and push once."""
    options = PushOptions(
        bundle_size=10, lease_limit=24, retry=RetryPolicy(base=0.02, cap=0.1), patience=20
    )
    with SqliteStore(database) as store, FhirClient(base_url, deadline=10) as client:
        dispatcher = Dispatcher(store, client, SideRenderer(), options=options)
        dispatcher.append(
            SourceRecord({**record.data, "side": side}, record.location)
            for record in records(count)
        )
        result = dispatcher.run_until_idle()
    sys.stdout.write(json.dumps(result.to_json()) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
