"""What was acknowledged: written, and on the disk, after `append` has returned and not before."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fhir_backpain.outbox.entry import Receipt
from fhir_backpain.outbox.record_text import content_hash, write_record
from fhir_backpain.record import SourceRecord, key_of


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """One record that `append` has promised to bring: its tracking id, name and content hash."""

    id: str
    record: str
    content_hash: str


class Journal:
    """One lane's file, a line for each step. A line that a kill has cut short does not count."""

    def __init__(self, path: Path) -> None:
        self._path = path
        kept = _whole_lines(path)
        self.next_step = len(kept)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(self._descriptor, sum(len(line) for line in kept))
        os.lseek(self._descriptor, 0, os.SEEK_END)

    def acknowledge(self, records: Sequence[SourceRecord], receipts: Sequence[Receipt]) -> None:
        """Write down the next step; it is on the disk when this returns."""
        listed = [
            [receipt.id, str(key_of(record.data)), content_hash(write_record(record.data))]
            for record, receipt in zip(records, receipts, strict=True)
        ]
        os.write(self._descriptor, json.dumps(listed).encode() + b"\n")
        os.fsync(self._descriptor)
        self.next_step += 1

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_journal(path: Path) -> Iterator[Acknowledged]:
    """Yield what a lane's appender was promised."""
    for line in _whole_lines(path):
        for found in json.loads(line):
            yield Acknowledged(*found)


def _whole_lines(path: Path) -> list[bytes]:
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    return [line for line in lines if line.endswith(b"\n")]
