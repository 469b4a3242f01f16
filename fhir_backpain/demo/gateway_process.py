"""A gateway as a process of its own, as a clinic would run it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import deque
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import IO

from fhir_backpain.demo.messages import STEP_FAILED
from fhir_backpain.errors import BackpainError

_URL = re.compile(r"gateway at (http://\S+)")


class GatewayProcess:
    """Runs ``fhir-backpain serve`` for the time of a with-block, which gets the gateway's URL."""

    def __init__(self, base_url: str, outbox: Path) -> None:
        self._arguments = ["--server", base_url, "--outbox", str(outbox), "--port", "0"]
        self._process: subprocess.Popen[str] | None = None
        self._reader: Thread | None = None

    def __enter__(self) -> str:
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "fhir_backpain.cli", "serve", *self._arguments],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            return self._ready(self._process.stderr)
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def _ready(self, log: IO[str] | None) -> str:
        """Return the URL once the gateway says it; its log is read on, so that it never fills."""
        assert log is not None
        for line in log:
            found = _URL.search(line)
            if found:
                self._reader = Thread(target=deque, args=(log, 0), daemon=True)
                self._reader.start()
                return found[1]
        raise BackpainError(STEP_FAILED.issue("The gateway did not start."))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._reader is not None:
            self._reader.join()
        if self._process.stderr is not None:
            self._process.stderr.close()
