"""A file with one delivery on each line, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fhir_backpain.pull.delivery import Delivery
from fhir_backpain.pull.sinks.appended_files import Lengths, append
from fhir_backpain.pull.sinks.sink import Taken


class NdjsonSink:
    """Appends to a file. Where it was moved away between two runs, a new one is begun."""

    batch = 100

    def __init__(self, path: Path, settled: Lengths) -> None:
        self._path = path.absolute()
        self._settled = settled
        self.name = f"ndjson:{self._path}"

    def deliver(self, deliveries: Sequence[Delivery]) -> Taken:
        """Append a line for each delivery."""
        content = "".join(f"{one.text}\n" for one in deliveries).encode()
        lengths = append({self._path: content}, self._settled)
        return Taken([one.seq for one in deliveries], lengths=lengths)

    def stop(self) -> None:
        """Nothing is waited for."""

    def close(self) -> None:
        """Nothing is open."""
