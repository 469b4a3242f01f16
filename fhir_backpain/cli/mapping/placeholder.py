"""The places that a new file leaves to its author, each marked with a word, and found again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fhir_backpain.artifacts.finder import shown_path
from fhir_backpain.cli.mapping import messages
from fhir_backpain.intake.feed_skeleton import unwritten
from fhir_backpain.outcome import Issue, MappingLocation

_SUFFIXES = (".yaml", ".json", ".csv")


def placeholders(path: Path) -> Iterator[Issue]:
    """Yield an issue for each placeholder that is left in a file, at its line and column."""
    if path.suffix not in _SUFFIXES or not path.is_file():
        return
    shown = shown_path(path)
    for line, column, wanted in unwritten(path.read_text("utf-8", errors="replace")):
        place = MappingLocation(shown, line, column)
        yield messages.PLACEHOLDER_LEFT.issue(f"Still to be written: {wanted}.", mapping=place)
