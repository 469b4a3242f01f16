"""Walks through the main job on made-up data, and checks each step against the server itself."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from fhir_backpain.artifacts.finder import mappings_folder
from fhir_backpain.client.base_url import parse_base_url
from fhir_backpain.client.client import FhirClient
from fhir_backpain.clinic.clinic import Clinic
from fhir_backpain.clinic.export import Exported, json_line
from fhir_backpain.demo.gateway_process import GatewayProcess
from fhir_backpain.demo.messages import STEP_FAILED
from fhir_backpain.errors import BackpainError
from fhir_backpain.intake.intake import Intake
from fhir_backpain.mapping.feed import read_feed
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.sync.progress import Progress
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions, PushResult

EDITS = 12
_PATIENCE = 120.0
_WRITES = ("created", "updated", "retired")

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the walk came to: the results of its three syncs and what the server holds."""

    first: PushResult
    again: PushResult
    edited: PushResult
    on_server: dict[str, int]
    posted: int

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON data."""
        return {
            "first": self.first.to_json(),
            "again": self.again.to_json(),
            "edited": self.edited.to_json(),
            "posted": self.posted,
            "server": self.on_server,
        }


class DemoWalk:
    """The demo on one server, in one folder that it may fill.

    `tell` takes each line for the reader. Raises BackpainError where a step does not hold.
    """

    def __init__(
        self,
        base_url: str,
        folder: Path,
        mapper: Mapper,
        tell: Tell,
        *,
        patients: int = 220,
        progress: Progress | None = None,
    ) -> None:
        self._base_url = parse_base_url(base_url)
        self._folder = folder
        self._mapper = mapper
        self._tell = tell
        self._progress = progress
        self._clinic = Clinic(patients=patients)
        self._outbox = folder / "outbox.sqlite"
        self._feed = read_feed(mappings_folder() / "feeds" / "home-measurements.feed.yaml")

    def run(self) -> DemoResult:
        """Export, sync, sync again, edit, sync, post to the gateway, and check the server."""
        with FhirClient(self._base_url) as client:
            before = self._counts(client)
            first = self._first(client)
            again = self._again(client)
            edited = self._edited(client)
            posted = self._posted()
            after = self._counts(client)
        on_server = {kind: after[kind] - before[kind] for kind in sorted(after)}
        self._check_server(before, after, edited)
        return DemoResult(first, again, edited, on_server, posted)

    def _first(self, client: FhirClient) -> PushResult:
        exported = self._clinic.export(self._folder / "first-export")
        self._tell(f"1. The clinic exports a year of {self._clinic.patients} patients:")
        self._tell_files(exported)
        result = self._sync(client, exported)
        self._tell(f"2. All of it goes to {self._base_url}:")
        self._tell(result.summary.to_table())
        _ensure(result.is_complete, "the first sync did not send every record")
        return result

    def _again(self, client: FhirClient) -> PushResult:
        exported = self._clinic.export(self._folder / "first-export")
        result = self._sync(client, exported)
        written = _written(result)
        self._tell(f"3. The same export again: {written} resources written.")
        _ensure(written == 0 and result.is_complete, "an unchanged export was written again")
        return result

    def _edited(self, client: FhirClient) -> PushResult:
        revision = self._clinic.revised(EDITS)
        exported = revision.export(self._folder / "second-export")
        result = self._sync(client, exported)
        self._tell(f"4. The clinic edits {len(revision.changes)} records and exports all again:")
        for change in revision.changes:
            self._tell(f"   {change.key}: {change.pointer} {change.before} -> {change.after}")
        self._tell(f"   {result.summary.records['sent']} records sent, the others are unchanged:")
        self._tell(result.summary.to_table())
        as_expected = result.summary.records["sent"] == len(revision.changes)
        _ensure(as_expected and result.is_complete, "other records than the edited ones were sent")
        return result

    def _posted(self) -> int:
        """Post a few new measurements to the gateway, as an app would, and wait for them."""
        records = list(self._phone_records())
        with GatewayProcess(self._base_url, self._outbox) as url:
            answer = requests.post(
                f"{url}/api/v1/records",
                data="[" + ",".join(json_line(record) for record in records) + "]",
                headers={"Content-Type": "application/json"},
                timeout=30,
            )
            _ensure(answer.status_code == 202, "the gateway did not accept the records")
            states = self._tracked(url, answer.headers["Location"], len(records))
        self._tell(f"5. An app posts {len(records)} records to the gateway: 202, then {states}.")
        return len(records)

    def _phone_records(self) -> Iterator[dict[str, Any]]:
        for number, record in zip(range(1, 4), self._clinic.records(), strict=False):
            day = f"{self._clinic.end.isoformat()}T12:0{number}:00+01:00"
            yield {
                "record": "observation",
                "id": f"PHONE-{number}",
                "source": "https://clinic.example/phone",
                "test_data": True,
                "patient": {"identifier": record["patient"]["identifier"]},
                "observed_at": day,
                "measure": "pain-nrs-week",
                "score": number,
            }

    def _tracked(self, url: str, location: str, count: int) -> str:
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            answer = requests.get(_absolute(url, location), timeout=30).json()
            deliveries = answer["deliveries"]
            if all(delivery["state"] == "sent" for delivery in deliveries):
                return f"{len(deliveries)} of {count} sent"
            time.sleep(0.1)
        raise _failure("the gateway did not send the records in time")

    def _sync(self, client: FhirClient, exported: Exported) -> PushResult:
        intake = Intake(
            [str(path) for path in exported.files], self._mapper.library, feed=self._feed
        )
        store = SqliteStore(self._outbox)
        try:
            options = PushOptions(patience=_PATIENCE)
            dispatcher = Dispatcher(
                store, client, self._mapper, options=options, progress=self._progress
            )
            dispatcher.append(intake)
            result = dispatcher.run_until_idle()
        finally:
            store.close()
        if intake.report.has_errors:
            raise BackpainError(intake.report.shown_issues())
        return result

    def _counts(self, client: FhirClient) -> Counter[str]:
        """Return how many resources of each type the server holds, as it counts them itself."""
        return Counter({kind: client.count(kind) for kind in self._mapper.types})

    def _check_server(self, before: Counter[str], after: Counter[str], edited: PushResult) -> None:
        """Check that the server holds what the outbox knows of, and no more if it was empty."""
        store = SqliteStore(self._outbox)
        try:
            known = Counter(url.split("/")[0] for url in store.ledger_urls(self._base_url))
        finally:
            store.close()
        total, held = after.total() - before.total(), known.total()
        retired = sum(n for (_, name), n in edited.summary.resources.items() if name == "retired")
        self._tell(
            f"6. The server holds {total} more resources; the outbox knows of {held}, of which "
            f"{retired} are marked as entered in error since the edited records dropped them."
        )
        holds = known <= after if before.total() else known == after
        _ensure(holds, "the server does not hold what the outbox says")

    def _tell_files(self, exported: Exported) -> None:
        for path, count in exported.files.items():
            self._tell(f"   {path} ({count} records)")


def _written(result: PushResult) -> int:
    counts = result.summary.resources
    return sum(count for (_, name), count in counts.items() if name in _WRITES)


def _absolute(url: str, location: str) -> str:
    return location if "://" in location else url + location


def _ensure(holds: bool, text: str) -> None:
    if not holds:
        raise _failure(text)


def _failure(text: str) -> BackpainError:
    return BackpainError(STEP_FAILED.issue(f"The demo found a fault: {text}."))


def write_report(result: DemoResult, folder: Path) -> Path:
    """Write the result as JSON and return the file."""
    path = folder / "report.json"
    path.write_text(json.dumps(result.to_json(), indent=2), encoding="utf-8")
    return path
