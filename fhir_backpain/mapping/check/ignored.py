"""Finds ignored paths that no source of a mapping has: they would excuse nothing."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from fhir_backpain.mapping import messages
from fhir_backpain.mapping.declaration import Declaration
from fhir_backpain.mapping.source_shape import leaves, record_shape
from fhir_backpain.outcome import Issue
from fhir_backpain.record import RECORD_TYPES


def unknown_ignored(declaration: Declaration) -> Iterator[Issue]:
    """Yield an issue for each path under ``ignore`` that is a leaf of no source."""
    if not declaration.ignored:
        return
    sources = [source for source in declaration.sources if source in RECORD_TYPES]
    known = {path for source in sources for path in leaves(record_shape(source))}
    for item in declaration.ignored:
        if item.path not in known:
            near = get_close_matches(item.path, known, n=2)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            text = f"The source has no '{item.path}' to ignore.{hint}"
            yield messages.PATH_UNKNOWN.issue(text, mapping=item.location)
