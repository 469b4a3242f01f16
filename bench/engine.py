"""The engines of the race, and each one's worker process."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
ENVIRONMENTS = FOLDER.parent / ".venv-bench"


@dataclass(frozen=True, slots=True)
class Engine:
    """One way to do the work: the folder of its code, its packages, and what it leaves out.

    `python` names the virtual environment under ``.venv-bench``; None says that Node runs it.
    """

    name: str
    title: str
    note: str
    packages: tuple[str, ...]
    python: str | None = "main"

    def command(self, tables: Path) -> list[str]:
        """Return the command of its worker."""
        if self.python is None:
            return ["node", str(FOLDER / "worker.mjs"), self.name, str(tables)]
        interpreter = ENVIRONMENTS / self.python / "bin" / "python"
        return [str(interpreter), "-m", "bench.worker", self.name, str(tables)]


OURS = Engine("compiled", "fhir_backpain", "strict reading of the line", ("fhir-backpain",))
ENGINES = (
    OURS,
    Engine(
        "compiled_checked",
        "fhir_backpain, record checked",
        "and every rule of the record; no other row checks its input",
        ("fhir-backpain",),
    ),
    Engine("dict_builders", "dict builders + orjson", "1.10 becomes 1.1", ("orjson",)),
    Engine(
        "fhir_models",
        "fhir.resources models",
        "output validated by its models",
        ("fhir.resources", "pydantic"),
    ),
    Engine(
        "liquid",
        "python-fhir-converter",
        "ids by a Python filter",
        ("python-fhir-converter", "python-liquid"),
        python="liquid",
    ),
    Engine("jsonata", "JSONata in Node", "ids by registered functions", ("jsonata",), python=None),
    Engine(
        "handlebars",
        "Handlebars in Node",
        "ids by helpers; its text is not parsed again",
        ("handlebars",),
        python=None,
    ),
)


class Worker:
    """A running engine; a context manager that ends its process."""

    def __init__(self, engine: Engine, tables: Path) -> None:
        self.engine = engine
        self._process = subprocess.Popen(  # noqa: S603 - our own worker
            engine.command(tables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=FOLDER.parent,
        )
        self.runtime: str = self._answer()["ready"]

    def show(self, lines: Sequence[bytes]) -> list[str]:
        """Return the Bundle of each line."""
        bundles: list[str] = self._order("show", lines)
        return bundles

    def time(self, lines: Sequence[bytes]) -> float:
        """Return the CPU seconds that the process needs for the lines."""
        seconds: float = self._order("time", lines)["cpu"]
        return seconds

    def _order(self, task: str, lines: Sequence[bytes]) -> Any:
        assert self._process.stdin is not None
        head = json.dumps({"task": task, "lines": len(lines)}).encode()
        self._process.stdin.write(b"\n".join([head, *lines, b""]))
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.engine.title} stopped: see above")
        return json.loads(line)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
