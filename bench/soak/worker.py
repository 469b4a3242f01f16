"""The process that is killed: `python -m bench.soak.worker OUTBOX URL FEED POSITION`.

It takes in the feed from where it was, and sends what the outbox holds, until all is settled.
POSITION is the file that says how far the feed was taken in. A line "ready" says that it works.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from itertools import islice
from pathlib import Path

from fhir_backpain.client.client import FhirClient
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.outbox.opening import open_store
from fhir_backpain.outbox.retry import RetryPolicy
from fhir_backpain.outbox.store import Store
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import SourceRecord
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions, PushResult

_PORTION = 200
_BACKLOG = 3000
_POLL = 0.05


class Feeder:
    """Takes in the feed, on a thread of its own, so that never many records wait."""

    def __init__(self, store: Store, server: str, version: str, feed: Path, position: Path) -> None:
        self._store = store
        self._server = server
        self._version = version
        self._feed = feed
        self._position = position
        self.has_ended = False

    def run(self) -> None:
        """Take in what is left; any error ends the process."""
        try:
            self._run()
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(3)

    def waiting(self) -> int:
        """Return how many records are not settled."""
        counts = self._store.counts(self._server)
        return counts["queued"] + counts["unclear"]

    def _run(self) -> None:
        done = int(self._position.read_text()) if self._position.exists() else 0
        with self._feed.open("rb") as lines:
            for _ in islice(lines, done):
                pass
            while portion := list(islice(lines, _PORTION)):
                while self.waiting() > _BACKLOG:
                    time.sleep(_POLL)
                records = [self._record(line, done + at) for at, line in enumerate(portion, 1)]
                self._store.append(records, self._server, self._version)
                done += len(portion)
                self._note(done)
        self.has_ended = True

    def _record(self, line: bytes, number: int) -> SourceRecord:
        place = SourceLocation(file=self._feed.name, line=number)
        return SourceRecord(json_text.parse(line), place)

    def _note(self, done: int) -> None:
        # What a kill between the two makes it take in again is known to the outbox.
        made = self._position.with_suffix(".new")
        made.write_text(str(done))
        made.replace(self._position)


def main(outbox: str, base_url: str, feed: str, position: str) -> None:
    """Work until everything is settled."""
    mapper = load_mapper()
    options = PushOptions(retry=RetryPolicy(base=0.2, cap=5.0))
    with open_store(outbox) as store, FhirClient(base_url, deadline=30) as client:
        dispatcher = Dispatcher(store, client, mapper, options=options)
        feeder = Feeder(store, dispatcher.server, mapper.version, Path(feed), Path(position))
        threading.Thread(target=feeder.run, daemon=True).start()

        def ended(_: PushResult) -> None:
            if feeder.has_ended and not feeder.waiting():
                dispatcher.stop()

        print("ready", flush=True)
        dispatcher.run_forever(_POLL, ended)


if __name__ == "__main__":
    main(*sys.argv[1:])
