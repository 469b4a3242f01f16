"""The run itself: batches to a team of validators, and a row for each subject."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from fhir_backpain.artifacts.finder import profiles_folder
from fhir_backpain.hl7.validator import Validator
from servers.conformance.batch import Batch, Finding, batches
from servers.conformance.subject import R4, R5, Subject

Tell = Callable[[str], None]
WORKERS = 2


@dataclass(slots=True)
class Row:
    """What was found in one subject; `seconds` are those of all validators together."""

    subject: Subject
    findings: list[Finding] = field(default_factory=list)
    judged: int = 0
    seconds: float = 0.0

    @property
    def errors(self) -> list[Finding]:
        """What makes a resource invalid."""
        return [finding for finding in self.findings if finding.issue.is_error]

    @property
    def warnings(self) -> int:
        """How many warnings there are."""
        return sum(finding.issue.severity == "warning" for finding in self.findings)


def judge(
    subjects: Iterable[Subject], us_core: Path, tell: Tell, workers: int = WORKERS
) -> list[Row]:
    """Hold every subject against the validator of its FHIR version; return a row for each.

    R4 is judged with US Core and the package of profiles, R5 against its core definitions.
    Raises CounterpartError where a validator cannot be had or ends early.
    """
    rows = [Row(subject) for subject in subjects]
    packages: dict[str, list[Path]] = {R4: [us_core, profiles_folder() / "package"], R5: []}
    for version, guides in packages.items():
        of_version = [row for row in rows if row.subject.version == version]
        if of_version:
            _judge(of_version, partial(_validator, version, guides), tell, workers)
    return rows


def _validator(version: str, guides: Sequence[Path]) -> Validator:
    return Validator(version, guides, long_run=True, timeout=600)


def _judge(rows: list[Row], make: Callable[[], Validator], tell: Tell, workers: int) -> None:
    by_name = {row.subject.name: row for row in rows}
    waiting = deque(batch for row in rows for batch in batches(row.subject))
    starting, adding = threading.Lock(), threading.Lock()

    def work() -> None:
        validator = make()
        with starting:  # Two that start at once want the same lock of the package cache.
            validator.start()
        try:
            while batch := _next(waiting):
                _add(by_name[batch.subject], batch, validator, adding)
                tell(f"{len(waiting)} batches wait")
        finally:
            waiting.clear()  # Where one validator fails, the others need not go on.
            validator.stop()

    with ThreadPoolExecutor(workers) as pool:
        running = [pool.submit(work) for _ in range(workers)]
        try:
            for one in running:
                one.result()
        finally:
            waiting.clear()


def _next(waiting: deque[Batch]) -> Batch | None:
    try:
        return waiting.popleft()
    except IndexError:
        return None


def _add(row: Row, batch: Batch, validator: Validator, adding: threading.Lock) -> None:
    started = time.monotonic()
    issues = validator.validate(batch.text.encode())
    with adding:
        row.seconds += time.monotonic() - started
        row.judged += len(batch.texts)
        row.findings += batch.findings(issues)
