"""The places that a new file leaves to its author, each marked with a word, and found again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fhir_backpain.artifacts.finder import shown_path
from fhir_backpain.cli.mapping import messages
from fhir_backpain.outcome import Issue, MappingLocation

MARK = "EDIT:"
# The quote that ends the text in YAML or JSON, with what may follow it.
_END = re.compile(r'"(?=[,}\s]|$)')
_SUFFIXES = (".yaml", ".json", ".csv")


def placeholders(path: Path) -> Iterator[Issue]:
    """Yield an issue for each placeholder that is left in a file, at its line and column."""
    if path.suffix not in _SUFFIXES or not path.is_file():
        return
    for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), start=1):
        column = line.find(MARK)
        if column >= 0:
            wanted = _END.split(line[column + len(MARK) :])[0].strip().rstrip(".")
            place = MappingLocation(shown_path(path), number, column + 1)
            yield messages.PLACEHOLDER_LEFT.issue(f"Still to be written: {wanted}.", mapping=place)
