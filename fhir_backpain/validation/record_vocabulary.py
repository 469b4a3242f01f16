"""The keys and ranges that the mapping's tables know, held against a record."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

from fhir_backpain.outcome import Issue
from fhir_backpain.validation.plain_words import expectation
from fhir_backpain.validation.record_entry import Path, entries, text_of
from fhir_backpain.validation.record_messages import OUT_OF_RANGE, UNKNOWN_KEY
from fhir_backpain.validation.record_problem import issue_at

Vocabulary = Mapping[str, Collection[str]]
Ranges = Mapping[str, tuple[Decimal, Decimal]]

# Where a record uses keys: the list, the field, and the kind of key in the vocabulary.
_USES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("pain", "ratings"), "scale", "scale"),
    (("history",), "aspect", "aspect"),
    (("scores",), "measure", "measure"),
    (("scores",), "questionnaire", "instrument"),
    (("questionnaires",), "instrument", "instrument"),
    (("examination",), "finding", "finding"),
    (("red_flags",), "flag", "flag"),
    (("causes",), "cause", "cause"),
    (("addresses",), "cause", "cause"),
    (("factors",), "factor", "factor"),
    (("investigations",), "test", "test"),
    (("reports",), "test", "test"),
    (("procedures",), "procedure", "procedure"),
    (("goals",), "measure", "measure"),
    (("activities",), "treatment", "treatment"),
    (("medications",), "medication", "medication"),
    (("contraindications",), "treatment", "treatment"),
    (("contraindications",), "medication", "medication"),
    (("preferences",), "treatment", "treatment"),
)
# Where a record gives a number on a measure's range: the list, the field of each.
_SCORES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("pain", "ratings"), "scale", "score"),
    (("scores",), "measure", "score"),
    (("goals",), "measure", "target"),
)


def unknown_keys(data: dict[str, Any], vocabulary: Vocabulary) -> Iterator[Issue]:
    """Yield an issue for each key that the vocabulary does not know, with the nearest it knows."""
    for names, field, kind in _USES:
        for path, entry in entries(data, *names):
            yield from _unknown_key(path, entry, field, vocabulary.get(kind), kind)
    for path, report in entries(data, "reports"):
        for inner, seen in entries(report, "shows"):
            yield from _unknown_key(path + inner, seen, "cause", vocabulary.get("cause"), "cause")
    yield from _unknown_key((), data, "measure", vocabulary.get("measure"), "measure")


def scores_out_of_range(data: dict[str, Any], ranges: Ranges) -> Iterator[Issue]:
    """Yield an issue for each score or target outside its measure's inclusive range."""
    for names, measure, number in _SCORES:
        for path, entry in entries(data, *names):
            yield from _out_of_range(path, entry, measure, number, ranges)
    yield from _out_of_range((), data, "measure", "score", ranges)


def _unknown_key(
    path: Path, entry: dict[str, Any], field: str, known: Collection[str] | None, kind: str
) -> Iterator[Issue]:
    key = text_of(entry, field)
    if known is None or key is None or key in known:
        return
    text = expectation(key, known, f"one of the {len(known)} known keys of a {kind}")
    yield issue_at(UNKNOWN_KEY, text, (*path, field))


def _out_of_range(
    path: Path, entry: dict[str, Any], measure: str, number: str, ranges: Ranges
) -> Iterator[Issue]:
    bounds = ranges.get(text_of(entry, measure) or "")
    value = entry.get(number)
    if bounds is None or isinstance(value, bool) or not isinstance(value, int | Decimal):
        return
    if not bounds[0] <= value <= bounds[1]:
        text = f"Expected a number from {bounds[0]} to {bounds[1]} on this {measure}."
        yield issue_at(OUT_OF_RANGE, text, (*path, number))
