"""From the fates of a delivery to what the outbox keeps and the summary counts."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from fhir_backpain.outbox.entry import LeasedEntry, Settlement
from fhir_backpain.outbox.retry import Random, RetryPolicy, retry_wait
from fhir_backpain.outbox.store import Store
from fhir_backpain.outcome import Issue, Outcome
from fhir_backpain.sync.delivery_report import DeliveryReport, RecordFate
from fhir_backpain.sync.messages import HELD, KEEPS_FAILING
from fhir_backpain.sync.summary import RecordCount, Summary
from fhir_backpain.telemetry.event import log

_logger = logging.getLogger(__name__)


class Settler:
    """Settles entries of one server; used by one thread."""

    def __init__(
        self,
        store: Store,
        server: str,
        mapping_version: str,
        policy: RetryPolicy,
        random: Random,
    ) -> None:
        self.summary = Summary()
        self.done = 0
        self._store = store
        self._server = server
        self._mapping_version = mapping_version
        self._policy = policy
        self._random = random
        self._acceptances = 0
        self._faults_at: dict[str, int] = {}
        self._held: set[str] = set()

    def begin(self) -> Summary:
        """Start to count anew; return what was counted so far."""
        counted, self.summary = self.summary, Summary()
        self.done = 0
        self._held.clear()
        return counted

    def reject(self, leased: LeasedEntry, issues: Iterable[Issue]) -> None:
        """Settle a record that cannot be sent at all."""
        entry = leased.entry
        where = entry.location.at(record=entry.key.id)
        placed = [issue.moved_to(where) for issue in issues]
        settlement = Settlement(
            entry.id, leased.token, "rejected", outcome=Outcome.of(placed), attempted=False,
            mapping_version=self._mapping_version,
        )  # fmt: skip
        fenced = self._store.settle(self._server, [settlement])
        self._log(settlement, fenced=bool(fenced))
        if not fenced:
            self._count(settlement, wrote=False)

    def settle(self, reports: Sequence[DeliveryReport]) -> None:
        """Store in one step what became of deliveries, and count it unless the lease was lost."""
        settled = [(report, self._settlements(report)) for report in reports]
        rows = [row for report in reports for row in report.rows.values()]
        known = dict(item for report in reports for item in report.known.items())
        fenced = self._store.settle(
            self._server, [one for _, settlements in settled for one in settlements], rows, known
        )
        for report, settlements in settled:
            self._note(report, settlements, fenced)

    def _settlements(self, report: DeliveryReport) -> list[Settlement]:
        self._acceptances += report.accepted
        return [self._settlement(fate, report) for fate in report.fates.values()]

    def _note(
        self, report: DeliveryReport, settlements: Sequence[Settlement], fenced: frozenset[str]
    ) -> None:
        for settlement, fate in zip(settlements, report.fates.values(), strict=True):
            self._log(settlement, fenced=settlement.id in fenced)
            if settlement.id not in fenced:
                # What was tried before may have arrived in part, with its own confirmation.
                tried = fate.record.leased.entry.attempts > 0
                self._count(settlement, wrote=fate.wrote or tried)
        if any(settlement.id not in fenced for settlement in settlements):
            self.summary.resources.update(report.resources)

    def _settlement(self, fate: RecordFate, report: DeliveryReport) -> Settlement:
        leased = fate.record.leased
        settled = Settlement(
            leased.entry.id,
            leased.token,
            fate.state,
            wait=self._wait(fate),
            status=fate.error.status if fate.error and fate.attempted else None,
            outcome=Outcome.of(fate.issues),
            attempted=fate.attempted,
            mapping_version=self._mapping_version,
        )
        if fate.is_server_fault:
            return self._faulty(settled, fate, alone=len(report.fates) == 1)
        if fate.state == "rejected":
            return self._held_or_rejected(settled, fate, report)
        return settled

    def _wait(self, fate: RecordFate) -> float:
        if fate.state not in ("queued", "unclear") or not fate.attempted:
            return 0.0
        retry_after = fate.error.retry_after if fate.error else None
        attempt = fate.record.leased.entry.attempts + 1
        return retry_wait(attempt, retry_after, self._policy, self._random)

    def _faulty(self, settled: Settlement, fate: RecordFate, *, alone: bool) -> Settlement:
        """Give up on a record on which the server fails while it takes others.

        A fault counts only if the server has taken something since the entry's last one:
        otherwise an outage would reject whatever is queued.
        """
        entry = fate.record.leased.entry
        counts = self._faults_at.get(entry.id) != self._acceptances
        self._faults_at[entry.id] = self._acceptances
        given_up = counts and alone and entry.faults + 1 >= self._policy.max_faults
        if not given_up or self._acceptances == 0:
            return replace(settled, fault=counts)
        where = entry.location.at(record=entry.key.id)
        text = f"{entry.key.record}: the server failed {entry.faults + 1} times."
        issues = (KEEPS_FAILING.issue(text, source=where), *fate.issues)
        return replace(settled, state="rejected", fault=True, outcome=Outcome.of(issues))

    def _held_or_rejected(
        self, settled: Settlement, fate: RecordFate, report: DeliveryReport
    ) -> Settlement:
        """Hold a refused record that refers to what a rejected record of the patient makes."""
        missing = self._missing(fate, report)
        if not missing:
            return settled
        entry = fate.record.leased.entry
        issue = HELD.issue(
            f"{entry.key.record} refers to {', '.join(sorted(missing))}.",
            source=entry.location.at(record=entry.key.id),
        )
        outcome = Outcome.of((issue, *fate.issues))
        return replace(settled, state="held", waits_for=tuple(sorted(missing)), outcome=outcome)

    def _missing(self, fate: RecordFate, report: DeliveryReport) -> frozenset[str]:
        wanted = fate.refers_to - report.rows.keys()
        rows = self._store.ledger(self._server, wanted) if wanted else {}
        missing = wanted - {url for url, row in rows.items() if row.retired != "deleted"}
        if not missing:
            return frozenset()
        key = fate.record.key
        made_by_rejected = {
            url
            for other in report.fates.values()
            if other is not fate
            and other.state == "rejected"
            and other.record.key.patient == key.patient
            for url in other.record.resources
        }
        if not missing.isdisjoint(made_by_rejected):
            return missing
        known = self._store.has_failed(self._server, key.patient_system, key.patient_value)
        return missing if known else frozenset()

    def _log(self, settlement: Settlement, *, fenced: bool) -> None:
        for_a_person = settlement.state in ("rejected", "held", "conflict")
        level = logging.WARNING if for_a_person else logging.INFO
        if not _logger.isEnabledFor(level):
            return
        numbers = dict.fromkeys(f"FBP-{issue.number}" for issue in settlement.outcome)
        log(
            _logger, level, "fenced" if fenced else "settled", server=self._server,
            entry=settlement.id, state=settlement.state, status=settlement.status,
            messages=list(numbers) or None, wait=round(settlement.wait, 3) or None,
        )  # fmt: skip

    def _count(self, settlement: Settlement, *, wrote: bool) -> None:
        if settlement.state in ("queued", "unclear"):
            return
        name: RecordCount
        if settlement.state == "sent":
            name = "sent" if wrote else "unchanged"
        else:
            name = settlement.state
            self.summary.add_issues(settlement.outcome)
        if settlement.id in self._held:  # counted before, and let go since
            self._held.discard(settlement.id)
            self.summary.records["held"] -= 1
            self.done -= 1
        if name == "held":
            self._held.add(settlement.id)
        self.summary.records[name] += 1
        self.done += 1
