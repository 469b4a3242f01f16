"""A schema violation of a record, said in plain words with its place and next step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jsonschema.exceptions import ValidationError

from fhir_backpain.fhir.json_fault import short_pointer
from fhir_backpain.outcome import Issue, Message, SourceLocation
from fhir_backpain.validation.plain_words import (
    any_of,
    expectation,
    field_name,
    kind_of,
    nearest,
    type_name,
)
from fhir_backpain.validation.record_messages import (
    MISSING_FIELD,
    NEEDS_FIELD,
    NO_SUCH_DATE,
    NOT_IN_LIST,
    ONE_OF,
    OUT_OF_RANGE,
    UNKNOWN_FIELD,
    WRONG_FORM,
    WRONG_SIZE,
    WRONG_TYPE,
)
from fhir_backpain.validation.record_schema import schemas

Problem = tuple[Message, str]


@dataclass(frozen=True, slots=True)
class _Violation:
    """One schema violation: the keyword, its value, the schema around it and what was found."""

    keyword: str
    value: Any
    schema: Any
    found: Any
    path: tuple[str | int, ...]
    message: str

    @classmethod
    def of(cls, error: ValidationError) -> _Violation:
        path = tuple(error.absolute_path)
        keyword = str(error.validator)
        return cls(
            keyword, error.validator_value, error.schema, error.instance, path, error.message
        )


_TEXT_KEYWORDS = ("pattern", "maxLength", "minLength", "format")
_FORMS = {
    "code": "lower-case letters and digits, joined by single hyphens or dots",
    "key": "a text without control characters, and without a space at either end",
    "text": "readable text without control characters",
    "uri": "an absolute URI, such as urn:oid:2.16.840.1.113883.19 or https://clinic.example/mrn",
    "date": "a date such as 2026-03-09, 2026-03 or 2026",
    "day": "a date such as 2026-03-09",
    "dateTime": "2026-03-09, or 2026-03-09T14:05:00+01:00 with seconds and time zone",
    "instant": "a time such as 2026-03-09T14:05:00+01:00, with seconds and time zone",
}


def issues_of(errors: Iterable[ValidationError], known: Collection[str]) -> Iterator[Issue]:
    """Yield an issue for each problem; `known` are the fields of the record's top level.

    Where the form of a text is wrong, its calendar date is not complained about as well.
    """
    misformed: set[tuple[str | int, ...]] = set()
    for violation in sorted(map(_Violation.of, errors), key=_order):
        if violation.keyword in _TEXT_KEYWORDS:
            if violation.path in misformed:
                continue
            misformed.add(violation.path)
        if violation.keyword == "oneOf" and not isinstance(violation.found, dict):
            continue  # its type is the problem, and is reported
        yield from _issues(violation, known)


def _order(violation: _Violation) -> tuple[list[tuple[bool, str, int]], bool]:
    """Sort by place in the record; a text's format comes after all else about it."""
    path = [
        (True, step, 0) if isinstance(step, str) else (False, "", step) for step in violation.path
    ]
    return path, violation.keyword == "format"


def _issues(violation: _Violation, known: Collection[str]) -> Iterator[Issue]:
    if violation.keyword in ("additionalProperties", "unevaluatedProperties"):
        yield from _unknown_fields(violation, known)
    elif violation.keyword == "dependentRequired":
        yield from _needed_fields(violation)
    else:
        message, text = _PROBLEMS[violation.keyword](violation)
        missing = (_missing(violation),) if violation.keyword == "required" else ()
        yield issue_at(message, text, (*violation.path, *missing))


def issue_at(message: Message, text: str, path: Iterable[str | int]) -> Issue:
    """Return an issue at a path of the record."""
    return message.issue(text, source=SourceLocation(pointer=short_pointer(list(path))))


def _unknown_fields(violation: _Violation, known: Collection[str]) -> Iterator[Issue]:
    names = known if not violation.path else violation.schema["properties"]
    for name in violation.found:
        if name not in names:
            close = nearest(name.replace("-", "_"), names) or nearest(name, names)
            guess = f' Did you mean "{close}"?' if close else ""
            text = f'The field "{field_name(name)}" is not known here.{guess}'
            yield issue_at(UNKNOWN_FIELD, text, (*violation.path, name))


def _needed_fields(violation: _Violation) -> Iterator[Issue]:
    for name, needed in violation.value.items():
        missing = [field for field in needed if field not in violation.found]
        if name in violation.found and missing:
            text = f'"{name}" needs {any_of(missing, "and")} beside it.'
            yield issue_at(NEEDS_FIELD, text, violation.path)


def _missing(violation: _Violation) -> str:
    # jsonschema reports each missing field by itself, and names it in its message alone.
    names = (str(name) for name in violation.value)
    return next(name for name in names if violation.message.startswith(repr(name)))


def _required(violation: _Violation) -> Problem:
    return MISSING_FIELD, f'The field "{_missing(violation)}" is missing.'


def _type(violation: _Violation) -> Problem:
    expected = type_name(str(violation.value))
    return WRONG_TYPE, f"Expected {expected}, found {kind_of(violation.found)}."


def _enum(violation: _Violation) -> Problem:
    return NOT_IN_LIST, expectation(violation.found, violation.value, "an allowed word")


def _one_of(violation: _Violation) -> Problem:
    fields = [name for choice in violation.value for name in choice["required"]]
    given = [name for name in fields if name in violation.found]
    if not given:
        return ONE_OF, f"One of {any_of(fields)} is needed; none is given."
    return ONE_OF, f"Only one of {any_of(fields)} may be given; {any_of(given, 'and')} are."


def _pattern(violation: _Violation) -> Problem:
    form = _forms()[str(violation.value)]
    return WRONG_FORM, f"Expected {form}; found {kind_of(violation.found)} of another form."


@lru_cache(maxsize=1)
def _forms() -> dict[str, str]:
    definitions = schemas()["common.schema.json"]["$defs"]
    return {definitions[name]["pattern"]: form for name, form in _FORMS.items()}


def _date(violation: _Violation) -> Problem:
    return NO_SUCH_DATE, "The date or time has the right form, but does not exist."


def _length(violation: _Violation) -> Problem:
    least, most = violation.schema.get("minLength", 0), violation.schema["maxLength"]
    return WRONG_SIZE, f"Expected {least} to {most} characters, found {len(violation.found)}."


def _items(violation: _Violation) -> Problem:
    least, most = violation.schema.get("minItems", 0), violation.schema["maxItems"]
    return WRONG_SIZE, f"Expected {least} to {most} entries, found {len(violation.found)}."


def _properties(violation: _Violation) -> Problem:
    fields = any_of(list(violation.schema["properties"]))
    return WRONG_SIZE, f"The object is empty; expected {fields}."


def _range(violation: _Violation) -> Problem:
    least, most = violation.schema.get("minimum"), violation.schema.get("maximum")
    if "exclusiveMinimum" in violation.schema:
        bounds = f"above {violation.schema['exclusiveMinimum']}"
    else:
        bounds = f"from {least} to {most}"
    return OUT_OF_RANGE, f"Expected a number {bounds}."


_PROBLEMS: dict[str, Callable[[_Violation], Problem]] = {
    "required": _required,
    "type": _type,
    "enum": _enum,
    "oneOf": _one_of,
    "pattern": _pattern,
    "format": _date,
    "minLength": _length,
    "maxLength": _length,
    "minItems": _items,
    "maxItems": _items,
    "minProperties": _properties,
    "minimum": _range,
    "maximum": _range,
    "exclusiveMinimum": _range,
}
