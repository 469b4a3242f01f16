"""A folder with one JSON file for each record: its latest delivery."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from fhir_backpain.fhir.json_text import pretty
from fhir_backpain.pull.delivery import Delivery, key_text
from fhir_backpain.pull.sinks.appended_files import sync_folder, unwritable
from fhir_backpain.pull.sinks.sink import Taken
from fhir_backpain.record import key_of


class DirectorySink:
    """Replaces whole files: a reader sees the one delivery or the other, never half of one.

    A file's name is the record's type and a hash of its identity, which tells nothing of people.
    """

    batch = 100

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self.name = f"directory:{self._folder}"

    def deliver(self, deliveries: Sequence[Delivery]) -> Taken:
        """Write the file of each delivery's record."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for delivery in deliveries:
                self._write(delivery)
            sync_folder(self._folder)
        except OSError as error:
            raise unwritable(self._folder, error) from error
        return Taken([one.seq for one in deliveries])

    def stop(self) -> None:
        """Nothing is waited for."""

    def close(self) -> None:
        """Nothing is open."""

    def _write(self, delivery: Delivery) -> None:
        digest = sha256(key_text(key_of(delivery.record)).encode()).hexdigest()[:24]
        path = self._folder / f"{delivery.record['record']}-{digest}.json"
        # One process at a time uses the state, so nobody else writes under this name.
        draft = path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{pretty(delivery.body)}\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
