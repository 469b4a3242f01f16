"""Questionnaires: the items of the instruments by number, without their owners' wording."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from fhir_backpain.fhir.canonical import questionnaire as canonical
from fhir_backpain.instruments.instrument import Instrument
from fhir_backpain.instruments.item import Items
from fhir_backpain.mapping.library import Library

_EXTENSIONS = "http://hl7.org/fhir/StructureDefinition"


def questionnaires(library: Library) -> Iterator[dict[str, Any]]:
    """Yield the Questionnaire of each instrument whose answers a record may carry.

    FHIR: Questionnaire, http://hl7.org/fhir/R4/questionnaire.html
    """
    for instrument in sorted(library.instruments.values(), key=lambda found: found.key):
        if instrument.items:
            yield _resource(instrument, instrument.items)


def _resource(instrument: Instrument, items: Items) -> dict[str, Any]:
    return {
        "resourceType": "Questionnaire",
        "id": f"backpain-{instrument.key}",
        "url": canonical(instrument.key),
        "name": "BackPain" + "".join(map(str.capitalize, instrument.key.split("-"))),
        "title": instrument.title,
        "subjectType": ["Patient"],
        "description": (
            f"The numbered items of {instrument.title}. "
            "Their wording is to be had from the instrument's owner."
        ),
        "copyright": instrument.licence,
        "item": [_item(number, items) for number in items.ids],
    }


def _item(number: str, items: Items) -> dict[str, Any]:
    low, high = items.value_range
    return {
        "extension": [_limit("minValue", low), _limit("maxValue", high)],
        "linkId": number,
        "text": f"Item {number}",
        "type": "decimal",
    }


def _limit(name: str, value: Decimal) -> dict[str, Any]:
    return {"url": f"{_EXTENSIONS}/{name}", "valueDecimal": value}
