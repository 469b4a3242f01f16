"""The product: the shipped mappings, compiled."""

from __future__ import annotations

from collections.abc import Callable

from fhir_backpain.fhir.bundle import put_bundle
from fhir_backpain.fhir.json_text import parse
from fhir_backpain.mapping.mapper import load_mapper


def make(_: object = None) -> Callable[[bytes], bytes]:
    """Return the function from a record's line to its Bundle."""
    mapper = load_mapper()
    return lambda line: put_bundle(mapper(parse(line))).encode()
