"""A person's decision on a record that the server and the source have both changed."""

from __future__ import annotations

from typing import Literal

from fhir_backpain.errors import OutboxError
from fhir_backpain.outbox.store import Store
from fhir_backpain.pull.delivery import key_from
from fhir_backpain.pull.messages import UNKNOWN_CONFLICT
from fhir_backpain.pull.plan import Conflict
from fhir_backpain.pull.rebuild import ReverseMapper
from fhir_backpain.pull.source import Source, is_changed
from fhir_backpain.pull.state import PullState

Side = Literal["server", "source"]


class Resolution:
    """Ends conflicts of a state, together with the outbox that holds the source's side."""

    def __init__(self, state: PullState, store: Store | None, mapper: ReverseMapper) -> None:
        self._state = state
        self._source = Source(store, state.server, mapper)

    def take(self, number: int, side: Side) -> None:
        """Let a side win; raises OutboxError where there is no such conflict.

        Where the server wins, the source's version is discarded and the server's is delivered by
        the next run; OutboxError where it is being sent. Where the source wins, its version is
        sent by the next sync.
        """
        conflict = self._find(number)
        entry = self._source.newest(key_from(conflict.record))
        rival = entry if entry is not None and is_changed(entry) else None
        if side == "server":
            if rival is not None:
                self._source.discard(rival)
            self._state.take_server(number, "" if entry is None else entry.id)
        else:
            if rival is not None:
                self._source.replay(rival)
            self._state.take_source(number)

    def _find(self, number: int) -> Conflict:
        for conflict in self._state.conflicts():
            if conflict.id == number:
                return conflict
        raise OutboxError(UNKNOWN_CONFLICT.issue(f"No conflict has the number {number}."))
