"""How much of a source is taken before it is called too large."""

from __future__ import annotations

from dataclasses import dataclass

from fhir_backpain.fhir.json_text import JsonLimits

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """Bounds that keep memory flat: sizes in bytes, `max_ratio` as unpacked over packed size.

    `max_record` is the largest record, line or row. The ratio of a gzip source is looked at
    once more than eight of the largest records came out of it.
    """

    max_record: int = 8 * MIB
    max_depth: int = 64
    max_row_lines: int = 10_000
    max_unpacked: int = 16 * 1024 * MIB
    max_ratio: int = 200

    @property
    def json(self) -> JsonLimits:
        """The limits of one record's JSON text."""
        return JsonLimits(max_bytes=self.max_record, max_depth=self.max_depth)


LIMITS = SourceLimits()
