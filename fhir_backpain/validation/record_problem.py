"""A schema violation of a record, said in plain words with its place and next step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import lru_cache

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
    for error in sorted(errors, key=_order):
        path = tuple(error.absolute_path)
        if error.validator in ("pattern", "maxLength", "minLength"):
            if path in misformed:
                continue
            misformed.add(path)
        if error.validator == "format" and path in misformed:
            continue
        if error.validator == "oneOf" and not isinstance(error.instance, dict):
            continue  # its type is the problem, and is reported
        yield from _issues(error, path, known)


def _order(error: ValidationError) -> tuple[list[tuple[int, int | str]], bool]:
    path = [(1, step) if isinstance(step, str) else (0, step) for step in error.absolute_path]
    return path, error.validator == "format"


def _issues(
    error: ValidationError, path: tuple[str | int, ...], known: Collection[str]
) -> Iterator[Issue]:
    if error.validator in ("additionalProperties", "unevaluatedProperties"):
        yield from _unknown_fields(error, path, known)
        return
    if error.validator == "dependentRequired":
        yield from _needed_fields(error, path)
        return
    message, text = _PROBLEMS[str(error.validator)](error)
    if error.validator == "required":
        path = (*path, _missing(error))
    yield issue_at(message, text, path)


def issue_at(message: Message, text: str, path: Iterable[str | int]) -> Issue:
    """Return an issue at a path of the record."""
    return message.issue(text, source=SourceLocation(pointer=short_pointer(list(path))))


def _unknown_fields(
    error: ValidationError, path: tuple[str | int, ...], known: Collection[str]
) -> Iterator[Issue]:
    names = known if not path else error.schema["properties"]
    for name in error.instance:
        if name not in names:
            close = nearest(name.replace("-", "_"), names) or nearest(name, names)
            guess = f' Did you mean "{close}"?' if close else ""
            text = f'The field "{field_name(name)}" is not known here.{guess}'
            yield issue_at(UNKNOWN_FIELD, text, (*path, name))


def _needed_fields(error: ValidationError, path: tuple[str | int, ...]) -> Iterator[Issue]:
    for name, needed in error.validator_value.items():
        missing = [field for field in needed if field not in error.instance]
        if name in error.instance and missing:
            text = f'"{name}" needs {any_of(missing, "and")} beside it.'
            yield issue_at(NEEDS_FIELD, text, path)


def _missing(error: ValidationError) -> str:
    # jsonschema reports each missing field by itself, and names it in its message alone.
    return next(name for name in error.validator_value if error.message.startswith(repr(name)))


def _required(error: ValidationError) -> Problem:
    return MISSING_FIELD, f'The field "{_missing(error)}" is missing.'


def _type(error: ValidationError) -> Problem:
    expected = type_name(str(error.validator_value))
    return WRONG_TYPE, f"Expected {expected}, found {kind_of(error.instance)}."


def _enum(error: ValidationError) -> Problem:
    return NOT_IN_LIST, expectation(error.instance, error.validator_value, "an allowed word")


def _one_of(error: ValidationError) -> Problem:
    fields = [name for choice in error.validator_value for name in choice["required"]]
    given = [name for name in fields if name in error.instance]
    if not given:
        return ONE_OF, f"One of {any_of(fields)} is needed; none is given."
    return ONE_OF, f"Only one of {any_of(fields)} may be given; {any_of(given, 'and')} are."


def _pattern(error: ValidationError) -> Problem:
    form = _forms()[str(error.validator_value)]
    return WRONG_FORM, f"Expected {form}; found {kind_of(error.instance)} of another form."


@lru_cache(maxsize=1)
def _forms() -> dict[str, str]:
    definitions = schemas()["common.schema.json"]["$defs"]
    return {definitions[name]["pattern"]: form for name, form in _FORMS.items()}


def _date(error: ValidationError) -> Problem:
    return NO_SUCH_DATE, "The date or time has the right form, but does not exist."


def _length(error: ValidationError) -> Problem:
    least, most = error.schema.get("minLength", 0), error.schema["maxLength"]
    return WRONG_SIZE, f"Expected {least} to {most} characters, found {len(error.instance)}."


def _items(error: ValidationError) -> Problem:
    least, most = error.schema.get("minItems", 0), error.schema["maxItems"]
    return WRONG_SIZE, f"Expected {least} to {most} entries, found {len(error.instance)}."


def _properties(error: ValidationError) -> Problem:
    fields = any_of(list(error.schema["properties"]))
    return WRONG_SIZE, f"The object is empty; expected {fields}."


def _range(error: ValidationError) -> Problem:
    least, most = error.schema.get("minimum"), error.schema.get("maximum")
    if "exclusiveMinimum" in error.schema:
        bounds = f"above {error.schema['exclusiveMinimum']}"
    else:
        bounds = f"from {least} to {most}"
    return OUT_OF_RANGE, f"Expected a number {bounds}."


_PROBLEMS: dict[str, Callable[[ValidationError], Problem]] = {
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
