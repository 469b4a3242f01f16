"""Notices a server that refuses whatever it is sent, in the same words each time."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence

from fhir_backpain.errors import PermanentRemoteError
from fhir_backpain.outcome import Issue
from fhir_backpain.sync.messages import REFUSES_ALL

ENOUGH = 20
"""Records that are rejected before the rest is kept back."""

_VARYING = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f-]{27}|[0-9]+")


class RefusalWatch:
    """Counts what a server refuses as long as it takes nothing; used by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._words: tuple[int, str] | None = None
        self._mixed = False
        self._verdict: PermanentRemoteError | None = None

    @property
    def verdict(self) -> PermanentRemoteError | None:
        """The error to stop with, once enough was refused."""
        return self._verdict

    def begin(self) -> None:
        """Start a run; one record tries a server that refused everything in the last one."""
        with self._lock:
            self._verdict = None
            if self._mixed or self._count < ENOUGH:
                self._count, self._words, self._mixed = 0, None, False

    def judged(self) -> None:
        """Take note that the server took something, or answered otherwise than by refusing it."""
        with self._lock:
            self._mixed, self._verdict = True, None

    def refused(self, issues: Sequence[Issue]) -> bool:
        """Take note of a refused record; True where it is to be rejected, False to keep it."""
        first = issues[0]
        words = (first.number, _VARYING.sub("#", first.text))
        with self._lock:
            self._mixed = self._mixed or self._words not in (None, words)
            if self._mixed:
                return True
            self._words = words
            self._count += 1
            if self._count >= ENOUGH:
                text = f"The server took none of {ENOUGH} records and said each time: {first.text}"
                self._verdict = PermanentRemoteError(REFUSES_ALL.issue(text))
            return self._count <= ENOUGH
