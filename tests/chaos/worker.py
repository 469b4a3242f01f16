"""A worker: one thread appends its lane's records, others push what the outbox holds.

It goes on until it is killed, or, where it is told to finish, until nothing is left to send.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fhir_backpain.client.client import FhirClient
from fhir_backpain.client.reply import Reply
from fhir_backpain.errors import BackpainError
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.outbox.opening import open_store
from fhir_backpain.outbox.retry import RetryPolicy
from fhir_backpain.outbox.store import Store
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions
from tests.chaos.activity import Activity
from tests.chaos.cruelty import Stop
from tests.chaos.journal import Journal
from tests.chaos.sabotages import SABOTAGES
from tests.chaos.workload import Workload

_POLL = 0.02
_RETRY = RetryPolicy(base=0.02, cap=0.1, retry_after_cap=1.0)

mapper = load_mapper()


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is to do; it crosses to its process as JSON.

    `folder` holds the journals and activities. `backlog` is how many entries may wait before no
    more are appended. `finish` tells it to end what is begun; it has `seconds` for that. `stop`
    tells it where to stop itself, once.
    """

    lane: int
    place: str
    base_url: str
    folder: str
    seed: int
    patients: int
    lateness: int
    backlog: int
    lease_seconds: float
    sabotage: str | None = None
    finish: bool = False
    seconds: float = 60.0
    stop: Stop | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the order as JSON data."""
        return asdict(self)


class StoppingClient(FhirClient):
    """Stops this process around its first bundle, where it is told to.

    Not in the middle of a transaction of the outbox: others could do nothing meanwhile.
    """

    def __init__(self, base_url: str, stop: Stop | None, store: Any) -> None:
        super().__init__(base_url, deadline=10)
        self._left = stop
        self._writing = threading.RLock()
        if stop is not None:
            store.database.write = self._one_by_one(store.database.write)

    def transaction(self, bundle: str) -> Reply:
        """Send a transaction."""
        self._stop_at("sending")
        reply = super().transaction(bundle)
        self._stop_at("answered")
        return reply

    def _one_by_one(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def writing(work: Callable[..., Any]) -> Any:
            with self._writing:
                return write(work)

        return writing

    def _stop_at(self, place: Stop) -> None:
        if self._left == place:
            self._left = None
            with self._writing:
                # To this thread: were it sent to the process, this thread might go on for a while.
                signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


class Worker:
    """One life of a lane."""

    def __init__(self, order: Order) -> None:
        self._order = order
        folder = Path(order.folder)
        self._activity = Activity(activity_path(folder, order.lane))
        self._activity.clear()
        self._journal = Journal(journal_path(folder, order.lane))
        self._workload = Workload(order.seed, order.patients, order.lateness)

    def run(self) -> bool:
        """Work; True where the order was to finish and nothing is left."""
        order = self._order
        store = open_store(order.place)
        with closing(store), StoppingClient(order.base_url, order.stop, store) as client:
            self._watch(store, client)
            dispatcher = Dispatcher(store, client, mapper, options=self._options())
            if order.finish:
                return self._finish(dispatcher)
            threading.Thread(target=self._append_all, args=(store, dispatcher), daemon=True).start()
            dispatcher.run_forever(_POLL)
            return False

    def _options(self) -> PushOptions:
        return PushOptions(
            bundle_size=24, lease_limit=16, lease_seconds=self._order.lease_seconds,
            patience=self._order.seconds, worker=f"lane{self._order.lane}", retry=_RETRY,
        )  # fmt: skip

    def _watch(self, store: Store, client: FhirClient) -> None:
        watch = self._activity.watch
        watch(store, "append", "append")
        watch(store, "lease", "lease")
        watch(store, "settle", "settle")
        watch(client, "transaction", "send")
        watch(client, "batch", "send")

    def _append_all(self, store: Store, dispatcher: Dispatcher) -> None:
        """Append step after step, as fast as they are sent; end the process where that fails."""
        parent = os.getppid()
        try:
            while os.getppid() == parent:
                counts = store.counts()
                if counts["queued"] + counts["unclear"] < self._order.backlog:
                    self._append(dispatcher)
                else:
                    time.sleep(_POLL)
        finally:
            os._exit(3)

    def _append(self, dispatcher: Dispatcher) -> None:
        records = self._workload.batch(self._order.lane, self._journal.next_step)
        self._journal.acknowledge(records, dispatcher.append(records))

    def _finish(self, dispatcher: Dispatcher) -> bool:
        """Repeat the step that a kill may have met after it was stored, and send what is left."""
        self._append(dispatcher)
        end = time.monotonic() + self._order.seconds
        while time.monotonic() < end:
            result = dispatcher.run_until_idle()
            if result.reason == "idle" and result.queued == 0:
                return True
        return False


def work(order: Order) -> int:
    """Do what the order says; return the exit code of the process."""
    if order.sabotage is not None:
        SABOTAGES[order.sabotage].apply()
    try:
        return 0 if Worker(order).run() else 4
    except BackpainError as error:
        print(error, flush=True)
        return 5


def journal_path(folder: Path, lane: int) -> Path:
    """Return where a lane's acknowledgements are."""
    return folder / f"lane{lane}.journal"


def activity_path(folder: Path, lane: int) -> Path:
    """Return where a lane says what it does."""
    return folder / f"lane{lane}.activity"
