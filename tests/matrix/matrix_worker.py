"""A process that pushes, and that stops or lingers where a test wants it to.

Arguments: place of the outbox, base URL, number of records, mode: ``push`` appends and pushes;
``serve`` pushes until SIGTERM; ``stop-rendering`` and ``stop-sending`` stop the process itself
(SIGSTOP) once, after it has leased or just before its first bundle leaves. Writes a line when
it is done.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from typing import Any

from fhir_backpain.client.client import FhirClient
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.outbox.opening import open_store
from fhir_backpain.outbox.retry import RetryPolicy
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions
from tests.acceptance.kill_sync_worker import ScoreRenderer, records


class _Stopping:
    """Stops this process the first time it is called."""

    def __init__(self) -> None:
        self._left = 1

    def __call__(self) -> None:
        if self._left:
            self._left = 0
            # To this thread: were it sent to the process, this thread might go on for a while.
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


class StoppingRenderer(ScoreRenderer):
    """Renders after the process was stopped and went on."""

    def __init__(self, stop: _Stopping) -> None:
        self._stop = stop

    def __call__(self, data: dict[str, Any]) -> list[MadeResource]:
        self._stop()
        return super().__call__(data)


class StoppingClient(FhirClient):
    """Sends its first bundle after the process was stopped and went on."""

    stop = _Stopping()

    def transaction(self, bundle: str) -> Any:
        """Send a transaction."""
        self.stop()
        return super().transaction(bundle)


def main(place: str, base_url: str, count: int, mode: str) -> None:
    """Push as the mode says."""
    options = PushOptions(
        bundle_size=10, lease_limit=24, lease_seconds=1.0 if mode.startswith("stop") else 60.0,
        retry=RetryPolicy(base=0.02, cap=0.1), patience=5,
    )  # fmt: skip
    renderer = StoppingRenderer(_Stopping()) if mode == "stop-rendering" else ScoreRenderer()
    kind = StoppingClient if mode == "stop-sending" else FhirClient
    store = open_store(place)
    with kind(base_url, deadline=10) as client:
        dispatcher = Dispatcher(store, client, renderer, options=options)
        if mode == "serve":
            signal.signal(signal.SIGTERM, lambda *_: dispatcher.stop())
            dispatcher.run_forever(0.05)
            text = "stopped"
        else:
            dispatcher.append(records(count))
            text = json.dumps(dispatcher.run_until_idle().to_json())
    store.close()
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
