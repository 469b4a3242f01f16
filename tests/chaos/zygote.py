"""The parent of all workers: it has loaded everything, so that a worker starts within moments.

`python -m tests.chaos.zygote` takes a line of JSON for each request and answers with one.
It ends, and its workers with it, when its standard input does.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, Self

from fhir_backpain.outbox.opening import open_store
from tests.chaos.worker import Order, work

_ROOT = Path(__file__).parents[2]


class Zygote:
    """The side of whoever starts workers and kills them."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.zygote"], cwd=_ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def spawn(self, order: Order) -> int:
        """Start a worker; return its process id, which is its own until `poll` told its end."""
        return int(self._ask({"spawn": order.to_json()}))

    def poll(self, pid: int) -> int | None:
        """Return the exit code of a worker (negative: the signal), None while it runs."""
        answer = self._ask({"poll": pid})
        return None if answer is None else int(answer)

    def close(self) -> None:
        """End it and what it has started."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def _ask(self, request: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Nursery:
    """The side of the parent: forks workers and sees them end."""

    def __init__(self) -> None:
        self._alive: set[int] = set()

    def answer(self, request: dict[str, Any]) -> int | None:
        """Return the answer to a request."""
        if "spawn" in request:
            return self._spawn(Order(**request["spawn"]))
        return self._poll(request["poll"])

    def end(self) -> None:
        """Kill what is left."""
        for pid in self._alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def _spawn(self, order: Order) -> int:
        pid = os.fork()
        if pid:
            self._alive.add(pid)
            return pid
        code = 6
        try:
            _detach(Path(order.folder) / f"lane{order.lane}.log")
            code = work(order)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _poll(self, pid: int) -> int | None:
        found, status = os.waitpid(pid, os.WNOHANG)
        if not found:
            return None
        self._alive.discard(pid)
        return os.waitstatus_to_exitcode(status)


def _detach(log: Path) -> None:
    """Take the parent's pipes from a worker; what it says goes to a file."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(nothing, 0)
    os.dup2(said, 1)
    os.dup2(said, 2)


def _load_all() -> None:
    """Load here what a worker would load at its start or in the middle of its work."""
    with tempfile.TemporaryDirectory() as folder:
        open_store(Path(folder) / "outbox.db").close()
    with contextlib.suppress(ImportError):
        import psycopg  # noqa: F401


def main() -> None:
    """Answer until the standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asks decides when it is over
    _load_all()
    nursery = Nursery()
    try:
        for line in sys.stdin:
            answer = json.dumps(nursery.answer(json.loads(line)))
            sys.stdout.write(answer + "\n")
            sys.stdout.flush()
    finally:
        nursery.end()


if __name__ == "__main__":
    main()
