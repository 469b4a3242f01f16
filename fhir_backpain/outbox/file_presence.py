"""Which workers are alive: each holds a lock on a file of its own, which dies with its process.

So the leases of a killed process are free at once and need not run out. Where the system has no
such locks, every worker counts as alive and leases run out.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Sequence
from pathlib import Path

from fhir_backpain.outbox.database import Session

try:
    import fcntl
except ImportError:  # pragma: no cover - not on Windows
    fcntl = None  # type: ignore[assignment]


class FilePresence:
    """The proof that this worker is alive, for as long as it is open; `id` names the worker."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.id = uuid.uuid4().hex
        self._descriptor = self._hold(folder / self.id)

    def gone(self, session: Session, holders: Sequence[str]) -> list[str]:
        """Return those of some workers whose processes are known to run no longer."""
        return [worker_id for worker_id in holders if not self._is_alive(worker_id)]

    def close(self) -> None:
        """Leave; the leases of this worker are free from now on."""
        (self._folder / self.id).unlink(missing_ok=True)
        os.close(self._descriptor)
        with contextlib.suppress(OSError):  # others are still there
            self._folder.rmdir()

    def _is_alive(self, worker_id: str) -> bool:
        if worker_id == self.id or fcntl is None:
            return True
        path = self._folder / worker_id
        try:
            descriptor = os.open(path, os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    @staticmethod
    def _hold(path: Path) -> int:
        while True:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            except FileNotFoundError:  # the last of the others has just removed the folder
                continue
            if fcntl is None:
                return descriptor
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Another worker may have looked before we had the lock, and removed the file.
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_ino == os.fstat(descriptor).st_ino:
                    return descriptor
            os.close(descriptor)
