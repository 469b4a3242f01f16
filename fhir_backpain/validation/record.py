"""Is this a record? Every problem at once, each with its JSON pointer and next step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhir_backpain.outcome import Issue, SourceLocation
from fhir_backpain.record import RECORD_TYPES
from fhir_backpain.validation.plain_words import expectation, kind_of
from fhir_backpain.validation.record_messages import (
    MISSING_FIELD,
    NOT_AN_OBJECT,
    UNKNOWN_RECORD,
)
from fhir_backpain.validation.record_plan import plan_amiss
from fhir_backpain.validation.record_predicate import compile_predicate
from fhir_backpain.validation.record_problem import issue_at, issues_of
from fhir_backpain.validation.record_rules import RULES
from fhir_backpain.validation.record_schema import fields_of, record_validators, schemas
from fhir_backpain.validation.record_scoring import Instruments, questionnaires_amiss
from fhir_backpain.validation.record_values import values_of_wrong_kind
from fhir_backpain.validation.record_vocabulary import (
    Ranges,
    Vocabulary,
    scores_out_of_range,
    unknown_keys,
)

_TYPES: tuple[str, ...] = RECORD_TYPES


class RecordChecker:
    """Checks records against their schema, the rules beyond it, and the mapping's tables.

    `vocabulary` holds the known keys of each kind: scale, measure, instrument, finding, flag,
    cause, factor, test, treatment, medication, and what takes numbers or levels: scored measure,
    measured finding, level. A kind that is not there is not checked.
    `ranges` holds the inclusive range of a measure or scale. `instruments` are those whose answers
    and scores are held against each other.
    """

    def __init__(
        self,
        vocabulary: Vocabulary | None = None,
        ranges: Ranges | None = None,
        instruments: Instruments | None = None,
    ) -> None:
        self._vocabulary = vocabulary or {}
        self._ranges = ranges or {}
        self._instruments = instruments or {}
        self._validators = record_validators()
        own = {record: schemas()[f"{record}.schema.json"] for record in _TYPES}
        self._fields = {record: frozenset(fields_of(own[record], own[record])) for record in own}
        self._fits = {record: compile_predicate(own[record], own[record]) for record in own}

    def check(self, data: Any) -> list[Issue]:
        """Return every problem of one record; it is good where none of them is an error.

        Each issue names the place by JSON pointer, and the record by its id where it has one;
        no text repeats a value of the record. Numbers must be int or Decimal.
        """
        if not isinstance(data, dict):
            text = f"Expected an object in braces, found {kind_of(data)}."
            return [issue_at(NOT_AN_OBJECT, text, ())]
        record = data.get("record")
        if record not in _TYPES:
            return [_unknown_record(data)]
        return [_named(issue, data) for issue in self._issues(data, str(record))]

    def _issues(self, data: dict[str, Any], record: str) -> Iterator[Issue]:
        if not self._fits[record](data):
            yield from issues_of(self._validators[record].iter_errors(data), self._fields[record])
        for rule in RULES:
            yield from rule(data)
        yield from unknown_keys(data, self._vocabulary)
        yield from scores_out_of_range(data, self._ranges)
        yield from values_of_wrong_kind(data, self._vocabulary)
        yield from questionnaires_amiss(data, self._instruments)
        yield from plan_amiss(data, self._vocabulary)


def _unknown_record(data: dict[str, Any]) -> Issue:
    if "record" not in data:
        return issue_at(MISSING_FIELD, 'The field "record" is missing.', ("record",))
    text = expectation(data["record"], _TYPES, "a record type")
    return issue_at(UNKNOWN_RECORD, text, ("record",))


def _named(issue: Issue, data: dict[str, Any]) -> Issue:
    record_id = data.get("id")
    if not isinstance(record_id, str):
        return issue
    return issue.moved_to(SourceLocation(record=record_id[:128]))
