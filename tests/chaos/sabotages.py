"""Twelve ways to break the engine, each applied within a worker. The checker must catch them all.

Each replaces one rule of the engine by what a careless hand might have written instead.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from fhir_backpain.client.reply import Reply
from fhir_backpain.errors import AmbiguousRemoteError, RemoteError
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.outbox import intake, queue
from fhir_backpain.outbox.clock import format_instant
from fhir_backpain.outbox.entry import LeasedEntry, Receipt
from fhir_backpain.outbox.intake import Intake
from fhir_backpain.outbox.ledger import LedgerRow
from fhir_backpain.outbox.postgres_session import PostgresSession
from fhir_backpain.outbox.sql_store import SqlStore
from fhir_backpain.outbox.sqlite_session import SqliteSession
from fhir_backpain.record import SourceRecord
from fhir_backpain.sync import bundle, composition, server_access
from fhir_backpain.sync.bundle import Answer, Written
from fhir_backpain.sync.composition import Change
from fhir_backpain.sync.delivery import Delivery
from fhir_backpain.sync.delivery_report import RecordFate
from fhir_backpain.sync.delivery_state import DeliveryState
from fhir_backpain.sync.job_runner import JobRunner
from fhir_backpain.sync.plan import Job
from fhir_backpain.sync.prepared import Prepared
from fhir_backpain.sync.read_back import ReadBack
from fhir_backpain.sync.tombstone import TombstoneRenderer
from tests.chaos.climate import ANSWERED, BUSY, LOSSY, PLAIN, REFUSING, SENDING, Climate


@dataclass(frozen=True, slots=True)
class Sabotage:
    """A broken rule: what is wrong, how it is broken, and the climate in which that shows."""

    name: str
    text: str
    apply: Callable[[], None]
    climate: Climate


def acknowledge_before_commit() -> None:
    """Promise a batch at once, and store it a moment later."""
    append, later = SqlStore.append, ThreadPoolExecutor(1)

    def careless(
        self: SqlStore, records: Iterable[SourceRecord], server: str, mapping: str, **_: Any
    ) -> list[Receipt]:
        listed = list(records)
        names = [uuid.uuid4() for _ in listed]
        later.submit(_append_as, append, names, (self, listed, server, mapping))
        return [Receipt(str(name), "queued") for name in names]

    _replace(SqlStore, "append", careless)


def _append_as(
    append: Callable[..., Any], names: Iterable[uuid.UUID], call: tuple[Any, ...]
) -> None:
    time.sleep(0.03)
    left = iter(names)
    _replace(intake, "new_tracking_id", lambda: str(next(left)))
    append(*call)


def read_nothing_back() -> None:
    """Send again what may have arrived, without looking first."""
    lease = SqlStore.lease

    def careless(self: SqlStore, *arguments: Any) -> list[LeasedEntry]:
        return [replace(one, read_back=False) for one in lease(self, *arguments)]

    _replace(SqlStore, "lease", careless)


def believe_lost_answers() -> None:
    """Take a record for sent where the answer was lost."""
    postpone = DeliveryState.postpone

    def careless(
        self: DeliveryState, record: Prepared, error: RemoteError, *, attempted: bool
    ) -> None:
        if attempted and isinstance(error, AmbiguousRemoteError):
            self.report.fates[record.id] = RecordFate(record, "sent")
        else:
            postpone(self, record, error, attempted=attempted)

    _replace(DeliveryState, "postpone", careless)


def take_what_others_hold() -> None:
    """Lease entries whatever leases there are."""
    _replace(
        queue, "_READY",
        queue._READY.replace("token IS NULL OR", "token IS NULL OR token IS NOT NULL OR"),
    )  # fmt: skip


def settle_without_a_lease() -> None:
    """Record what became of entries, and what the server has, whoever holds them by now."""
    _replace(
        queue, "_LEASED",
        queue._LEASED.replace(" AND e.token = k.token", "").replace(" AND p.token = k.token", ""),
    )  # fmt: skip


def newest_first() -> None:
    """Lease the newest entries of a patient before the older ones."""
    for session in (SqliteSession, PostgresSession):
        text = session.open_entries.replace("o.position LIMIT", "o.position DESC LIMIT")
        _replace(session, "open_entries", text.replace("e.position\n", "e.position DESC\n"))


def send_superseded_versions() -> None:
    """Let a version that was replaced wait for another turn, behind the one that replaced it."""
    end = Intake._end

    def careless(self: Intake) -> None:
        ended = [(row,) for row, state, _ in self._ended if state == "superseded"]
        end(self)
        table, given = self._session.given({"id": int}, ended)
        self._session.execute(
            "UPDATE entry SET state = 'queued', settled_at = NULL, position = id + 1000000"
            f" WHERE id IN (SELECT id FROM {table} k)",
            given,
        )

    _replace(Intake, "_end", careless)


def let_older_records_win() -> None:
    """Write what a record makes even where a later one has written it already."""
    fate = composition._fate

    def careless(*arguments: Any) -> composition.Fate:
        found = fate(*arguments)
        return "write" if found == "older" else found

    _replace(composition, "_fate", careless)
    _replace(composition, "_winner", lambda url, candidates: candidates[-1])


def give_ids_by_chance() -> None:
    """Give the resources of a record new ids whenever they are made."""
    render = TombstoneRenderer.__call__

    def careless(self: TombstoneRenderer, data: dict[str, Any]) -> list[MadeResource]:
        made = render(self, data)
        names = {one.id: str(uuid.uuid4()) for one in made if not one.shared}
        return [_renamed(one, names) for one in made]

    _replace(TombstoneRenderer, "__call__", careless)


def write_ledger_before_sending() -> None:
    """Enter in the ledger what is about to be sent, without waiting for proof."""
    delivery = JobRunner._delivery

    def careless(self: JobRunner, job: Job) -> Delivery:
        found = delivery(self, job)
        now = format_instant(datetime.now(UTC))
        rows = [
            LedgerRow(url, made.hash, None, one.key, one.leased.entry.as_of, now, made.made.shared)
            for one in job.records
            for url, made in one.resources.items()
        ]
        self._store.settle(self._server, [], rows)
        return found

    _replace(JobRunner, "_delivery", careless)


def trust_every_answer() -> None:
    """Take all entries of a bundle for written once there is an answer to it."""
    read = bundle.read_answer

    def careless(changes: Sequence[Change], reply: Reply) -> Answer:
        answer = read(changes, reply)
        return Answer({url: Written(None, False) for url in answer.failed} | answer.written)

    _replace(server_access, "read_answer", careless)


def forget_later_records() -> None:
    """Do not see that a later record, sent together with an older one, has arrived."""

    def careless(self: ReadBack, records: list[Prepared], found: Mapping[str, Any]) -> None:
        return None

    _replace(ReadBack, "_note_later", careless)


_ALL = (
    (acknowledge_before_commit, PLAIN),
    (read_nothing_back, LOSSY),
    (believe_lost_answers, LOSSY),
    (take_what_others_hold, SENDING),
    (settle_without_a_lease, ANSWERED),
    (newest_first, PLAIN),
    (send_superseded_versions, PLAIN),
    (let_older_records_win, PLAIN),
    (give_ids_by_chance, PLAIN),
    (write_ledger_before_sending, BUSY),
    (trust_every_answer, REFUSING),
    (forget_later_records, LOSSY),
)
SABOTAGES = {
    breaks.__name__.replace("_", "-"): Sabotage(
        breaks.__name__.replace("_", "-"), (breaks.__doc__ or "").strip(), breaks, climate
    )
    for breaks, climate in _ALL
}


def _replace(owner: object, name: str, value: object) -> None:
    setattr(owner, name, value)


def _renamed(made: MadeResource, names: Mapping[str, str]) -> MadeResource:
    text = made.text
    for old, new in names.items():
        text = text.replace(old, new)
    return made._replace(id=names.get(made.id, made.id), text=text)
