"""The product: the shipped mappings, compiled."""

from __future__ import annotations

from collections.abc import Callable

from fhir_backpain.mapping.mapper import load_mapper


def make(_: object = None) -> Callable[[bytes], bytes]:
    """Return the function from a record's line to its Bundle."""
    bundle = load_mapper().bundle
    return lambda line: bundle(line).encode()
