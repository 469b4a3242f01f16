"""A gateway as a process of its own, as a clinic would run it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from fhir_backpain.demo.messages import STEP_FAILED
from fhir_backpain.errors import BackpainError

_URL = re.compile(r"http://\S+")


class GatewayProcess:
    """Runs ``fhir-backpain serve`` for the time of a with-block, which gets the gateway's URL."""

    def __init__(self, base_url: str, outbox: Path) -> None:
        self._arguments = ["--server", base_url, "--outbox", str(outbox), "--port", "0"]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> str:
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "fhir_backpain.cli", "serve", *self._arguments],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        for line in self._process.stderr:
            found = _URL.search(line)
            if found:
                return found.group()
        self.__exit__(None, None, None)
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
        if self._process.stderr is not None:
            self._process.stderr.close()
