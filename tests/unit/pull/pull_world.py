"""A server that our outbox has filled, people who edit there, and pulls that bring it back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fhir_backpain.client.client import FhirClient
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.opening import has_store, open_store
from fhir_backpain.outbox.store import Store
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.pull.pull_options import PullOptions, PullResult
from fhir_backpain.pull.puller import Puller
from fhir_backpain.pull.sinks.sink_address import sink_of
from fhir_backpain.pull.state import PullState
from fhir_backpain.record import SourceRecord
from fhir_backpain.sync.push import Dispatcher

Resource = dict[str, Any]
SOURCE = "https://clinic.example/app"


def observation(name: str, patient: str = "P-1", **changes: Any) -> dict[str, Any]:
    """Return an observation record of a patient."""
    return {
        "record": "observation",
        "id": name,
        "source": SOURCE,
        "test_data": True,
        "patient": {"identifier": {"system": "https://clinic.example/mrn", "value": patient}},
        "observed_at": "2026-03-02T09:30:00+01:00",
        "recorded_at": "2026-03-02T10:00:00+01:00",
        "measure": "pain-nrs-week",
        "score": 7,
        **changes,
    }


def assessment(name: str, patient: str = "P-1", **changes: Any) -> dict[str, Any]:
    """Return an assessment record with two scores and a cause."""
    fixed = observation(name, patient)
    for field in ("observed_at", "measure", "score"):
        del fixed[field]
    return {
        **fixed,
        "record": "assessment",
        "assessed_at": "2026-03-02T09:30:00+01:00",
        "scores": [{"measure": "odi", "score": 44}, {"measure": "rmdq", "score": 11}],
        **changes,
    }


class World:
    """One server, its outbox and one state and file of deliveries, all in a folder."""

    def __init__(
        self, base_url: str, mapper: Mapper, folder: Path, outbox: str | None = None
    ) -> None:
        self.base_url = base_url
        self.mapper = mapper
        self.folder = folder
        self.outbox = outbox or str(folder / "outbox.sqlite")
        self.state = folder / "pull.sqlite"
        self.file = folder / "changes.ndjson"
        self.client = FhirClient(base_url)

    def append(self, *records: dict[str, Any]) -> None:
        """Store records in the outbox and send nothing."""
        with open_store(self.outbox) as store:
            self.dispatcher(store).append(self._read(records))

    def push(self, *records: dict[str, Any]) -> None:
        """Send records, and what waits, by the real engine."""
        with open_store(self.outbox) as store:
            dispatcher = self.dispatcher(store)
            dispatcher.append(self._read(records))
            result = dispatcher.run_until_idle()
            assert result.is_complete, f"{result} {result.summary.issues}"

    def pull(self, to: str | None = None, **options: Any) -> PullResult:
        """Pull once, with a process's worth of opening and closing."""
        with self.puller(to, **options) as puller:
            return puller.run_once()

    @contextmanager
    def puller(self, to: str | None = None, **options: Any) -> Iterator[Puller]:
        """Give what pulls once or for ever."""
        with PullState(self.state) as state, self._store() as store:
            sink = sink_of(to or f"ndjson:{self.file}", state.length)
            chosen = PullOptions(**options)
            yield Puller(self.client, self.mapper, state, sink, store=store, options=chosen)
            sink.close()

    def deliveries(self) -> list[dict[str, Any]]:
        """Return what is in the file, in order."""
        if not self.file.exists():
            return []
        return [json_text.parse(line) for line in self.file.read_text("utf-8").splitlines()]

    def find(self, kind: str, part: str = "") -> Resource:
        """Return the one resource of a type whose identifier has a part."""
        found = [entry["resource"] for entry in self.client.search(kind)]
        (one,) = [item for item in found if part in json_text.dump(item.get("identifier", ""))]
        return dict(one)

    def edit(self, kind: str, part: str, change: Callable[[Resource], object]) -> Resource:
        """Change a resource as another user of the server does; return it as it is then."""
        resource = self.find(kind, part)
        del resource["meta"]["versionId"]
        change(resource)
        self.client.put(kind, resource["id"], json_text.dump(resource))
        return self.client.read(kind, resource["id"]).resource or {}

    def score(self, part: str, value: int) -> Resource:
        """Set the score of an observation on the server."""
        return self.edit("Observation", part, lambda one: one["valueQuantity"].update(value=value))

    @contextmanager
    def _store(self) -> Iterator[Store | None]:
        if not has_store(self.outbox):
            yield None
            return
        with open_store(self.outbox) as store:
            yield store

    def dispatcher(self, store: Store) -> Dispatcher:
        """Return what sends by the real engine."""
        return Dispatcher(store, self.client, self.mapper)

    @staticmethod
    def _read(records: tuple[dict[str, Any], ...]) -> list[SourceRecord]:
        place = SourceLocation(file="records.ndjson", line=1)
        return [SourceRecord(json_text.parse(json.dumps(one)), place) for one in records]
