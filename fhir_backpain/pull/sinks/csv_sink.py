"""A folder of CSV files: a table for each record type and for each list within it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fhir_backpain.pull.delivery import Delivery
from fhir_backpain.pull.sinks.appended_files import Lengths, append, is_new
from fhir_backpain.pull.sinks.csv_tables import csv_text, tables_of
from fhir_backpain.pull.sinks.sink import Taken


class CsvSink:
    """Appends rows; a file that was moved away between two runs is begun anew with its header."""

    batch = 100

    def __init__(self, folder: Path, settled: Lengths) -> None:
        self._folder = folder.absolute()
        self._settled = settled
        self.name = f"csv:{self._folder}"

    def deliver(self, deliveries: Sequence[Delivery]) -> Taken:
        """Append the rows of each delivery to the tables that they are of."""
        texts: dict[Path, str] = {}
        for delivery in deliveries:
            for table in tables_of(str(delivery.record["record"])):
                rows = list(table.rows(delivery))
                if not rows:
                    continue
                path = self._folder / f"{table.name}.csv"
                if path not in texts:
                    new = is_new(path, self._settled)
                    texts[path] = csv_text([table.columns]) if new else ""
                texts[path] += csv_text(rows)
        batch = {path: text.encode() for path, text in texts.items()}
        lengths = append(batch, self._settled)
        return Taken([one.seq for one in deliveries], lengths=lengths)

    def stop(self) -> None:
        """Nothing is waited for."""

    def close(self) -> None:
        """Nothing is open."""
