"""The server of the soak: a sandbox in a process of its own, which can be made to fail."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import requests

_URL = re.compile(r"http://\S+/fhir")


class Sandbox:
    """`fhir-backpain sandbox` with its database in a folder; stopped on leaving the block."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "fhir_backpain.cli", "sandbox", "--port", "0", "--faults",
             "--database", str(folder / "sandbox.sqlite")],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stderr is not None
        found = _URL.search(self._process.stderr.readline())
        if found is None:
            raise RuntimeError("the sandbox did not start")
        self.base_url = found.group()
        self._control = self.base_url.removesuffix("/fhir") + "/_sandbox/faults"

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def fail(self, rules: list[dict[str, Any]]) -> None:
        """Put fault rules in force."""
        requests.post(self._control, json={"rules": rules}, timeout=30).raise_for_status()

    def behave(self) -> tuple[int, int]:
        """Take the rules away; return the Bundles that were seen and the faults that fired."""
        rules = requests.get(self._control, timeout=30).json()["rules"]
        requests.delete(self._control, timeout=30).raise_for_status()
        return max((rule["seen"] for rule in rules), default=0), sum(one["fired"] for one in rules)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stderr is not None
        self._process.terminate()
        self._process.wait(30)
        self._process.stderr.close()
