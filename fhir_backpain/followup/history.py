"""The records of patients as history: each once, in its latest version, oldest first.

Whatever order records are given in, the history is the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from fhir_backpain.fhir.json_text import dump
from fhir_backpain.fhir.moment import BEFORE_ALL, Moment, moment_of
from fhir_backpain.record import RecordKey, SourceRecord, as_of, key_of


def latest_versions(records: Iterable[SourceRecord]) -> list[SourceRecord]:
    """Return each record once, as it was recorded last, in the order of time.

    Of two versions that were recorded at the same time the greater text is taken: an arbitrary
    choice, but the same for every order of the input.
    """
    found: dict[RecordKey, SourceRecord] = {}
    for record in records:
        key = key_of(record.data)
        known = found.get(key)
        if known is None or _age(record.data) > _age(known.data):
            found[key] = record
    return sorted(found.values(), key=lambda one: (_when(one.data), str(key_of(one.data))))


def by_patient(records: Iterable[SourceRecord]) -> dict[str, list[SourceRecord]]:
    """Return the latest versions by patient (``system|value``), patients in order."""
    found: dict[str, list[SourceRecord]] = defaultdict(list)
    for record in latest_versions(records):
        found[key_of(record.data).patient].append(record)
    return dict(sorted(found.items()))


def plain_number(value: Decimal | int) -> str:
    """Return a number as people write it.

    >>> plain_number(Decimal("12.50")), plain_number(Decimal("1E+2")), plain_number(7)
    ('12.5', '100', '7')
    """
    text = f"{Decimal(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _when(data: dict[str, Any]) -> Moment:
    return moment_of(as_of(data))


def _age(data: dict[str, Any]) -> tuple[Moment, Moment, str]:
    recorded = moment_of(data.get("recorded_at", BEFORE_ALL))
    return recorded, _when(data), dump(data, sort_keys=True)
