"""The product with its record check, which no other engine has."""

from __future__ import annotations

from collections.abc import Callable

from fhir_backpain.fhir.bundle import put_bundle
from fhir_backpain.fhir.json_text import parse
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.validation.record import RecordChecker


def make(_: object = None) -> Callable[[bytes], bytes]:
    """Return the function from a record's line to its Bundle."""
    mapper = load_mapper()
    checker = RecordChecker(mapper.library.vocabulary, mapper.library.ranges)

    def bundle(line: bytes) -> bytes:
        record = parse(line)
        if checker.check(record):
            raise ValueError("the work item has problems")
        return put_bundle(mapper(record)).encode()

    return bundle
