"""The id that joins what is said of one piece of work: by us, and by the server in its log."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "X-Request-Id"

_current: ContextVar[str | None] = ContextVar("correlation", default=None)


@contextmanager
def correlated() -> Iterator[str]:
    """Give an id that all requests of this thread carry within the block."""
    made = str(uuid.uuid4())
    token = _current.set(made)
    try:
        yield made
    finally:
        _current.reset(token)


def request_id() -> str:
    """Return the id for a request: that of the work it belongs to, or one of its own."""
    return _current.get() or str(uuid.uuid4())
