"""Requests that may leave only as long as something holds, asked at the last moment.

A process can stand still anywhere, for longer than what it was allowed lasts. What it sends when it
goes on may be out of date; so the question is put where the bytes are handed to the socket.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


class NotSentError(Exception):
    """The request did not leave: what allowed it does not hold any more."""


class _Current(threading.local):
    holds: Callable[[], bool] | None = None


_current = _Current()


@contextlib.contextmanager
def sending_while(holds: Callable[[], bool]) -> Iterator[None]:
    """Let requests of this thread leave only while `holds` says so; NotSentError otherwise."""
    before, _current.holds = _current.holds, holds
    try:
        yield
    finally:
        _current.holds = before


def ensure_may_leave() -> None:
    """Raise NotSentError where a request of this thread may not leave now."""
    if _current.holds is not None and not _current.holds():
        raise NotSentError
