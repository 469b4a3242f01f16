"""Which slot functions a mapping to FHIR and a feed mapping may use."""

from __future__ import annotations

from collections.abc import Mapping

from fhir_backpain.mapping.emitter import SlotEmitter
from fhir_backpain.mapping.functions import cells, copying, referencing
from fhir_backpain.mapping.functions.coding import Coding
from fhir_backpain.mapping.functions.narrating import Narrating
from fhir_backpain.mapping.library import Library


def resource_functions(library: Library) -> Mapping[str, SlotEmitter]:
    """Return the functions of a mapping from records to resources."""
    coding = Coding(library)
    return {
        "copy": copying.copy,
        "text": copying.text,
        "narrative": Narrating(library).narrative,
        "fixed": coding.fixed,
        "fixed coding": coding.fixed_coding,
        "concept": coding.concept,
        "concepts": coding.concepts,
        "coding": coding.coding,
        "code": coding.code,
        "codes": coding.codes,
        "quantity": coding.quantity,
        "own": referencing.own,
        "reference": referencing.reference,
        "actor": referencing.actor,
        "made": referencing.made,
    }


def feed_functions() -> Mapping[str, SlotEmitter]:
    """Return the functions of a feed mapping, from a table's cells to a record."""
    return {
        "copy": copying.copy,
        "text": copying.text,
        "number": cells.number,
        "integer": cells.integer,
        "date": cells.date,
        "dateTime": cells.date_time,
        "word": cells.word,
    }
