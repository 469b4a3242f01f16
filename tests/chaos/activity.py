"""What a worker is doing at this moment: bytes in a file that outlive it, so that the killer can
tell what a kill has met."""

from __future__ import annotations

import contextlib
import mmap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args

Act = Literal["append", "lease", "send", "settle"]
ACTS: tuple[Act, ...] = get_args(Act)
_BEGUN = len(ACTS)
_DONE = _BEGUN + 1
_SIZE = _DONE + len(ACTS)


class Activity:
    """Counts of what is under way, shared between a worker and whoever watches it.

    One more byte says that something was, and one for each act that it was done.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_SIZE))
        with path.open("r+b") as file:
            self._bytes = mmap.mmap(file.fileno(), _SIZE)
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Say that nothing is under way."""
        self._bytes[:] = bytes(_SIZE)

    @property
    def has_begun(self) -> bool:
        """True once anything was under way."""
        return bool(self._bytes[_BEGUN])

    def was_done(self, act: Act) -> bool:
        """True once an act has come to its end."""
        return bool(self._bytes[_DONE + ACTS.index(act)])

    def now(self) -> list[Act]:
        """Return what is under way."""
        return [act for act, count in zip(ACTS, self._bytes[:_BEGUN], strict=True) if count]

    @contextlib.contextmanager
    def during(self, act: Act) -> Iterator[None]:
        """Say that an act is under way as long as one is within."""
        self._add(act, 1)
        try:
            yield
        finally:
            self._add(act, -1)
            self._bytes[_DONE + ACTS.index(act)] = 1

    def watch(self, owner: object, method: str, act: Act) -> None:
        """Note an act whenever a method of an object is called."""
        call: Callable[..., Any] = getattr(owner, method)

        def watched(*arguments: Any, **options: Any) -> Any:
            with self.during(act):
                return call(*arguments, **options)

        setattr(owner, method, watched)

    def _add(self, act: Act, change: int) -> None:
        with self._lock:
            self._bytes[ACTS.index(act)] += change
            self._bytes[_BEGUN] = 1
