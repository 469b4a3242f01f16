"""Random valid records: drawn from the JSON Schemas and from the vocabulary of the mappings.

What the schemas cannot say (keys unique among siblings, ends after starts, scores within their
measure's range) is set right after drawing, so that every record passes the record check.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from fhir_backpain.artifacts.finder import schema_folder
from fhir_backpain.mapping.library import Library, load_library
from fhir_backpain.record import RECORD_TYPES
from fhir_backpain.validation.record_rules import _KEYS

Draw = Callable[[st.SearchStrategy[Any]], Any]
Schema = Mapping[str, Any]

_FULL = os.environ.get("FHIR_BACKPAIN_HYPOTHESIS") == "full"
_LETTERS = "aZ09 .-_~/|%&<>\"'\\{}=$éß漢🙂\u2028\n"
_TEXTS = st.text(alphabet=_LETTERS, min_size=1, max_size=20).map(str.strip).filter(bool)
_KEYS_TEXT = st.text(alphabet=_LETTERS.replace("\n", ""), min_size=1, max_size=12)
_URIS = st.sampled_from(
    ["urn:oid:2.16.840.1.113883.19", "https://clinic.example/mrn", "urn:a'b&c:d%20e", "x:~é"]
)
_DAYS = st.dates(date(1900, 1, 1), date(2099, 12, 31))
_ZONES = st.sampled_from([0, 330, -210, 840]).map(lambda m: timezone(timedelta(minutes=m)))


def examples(count: int) -> settings:
    """Return the settings of a property: `count` examples, or many with the full profile."""
    return settings(
        max_examples=count * 25 if _FULL else count,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@cache
def library() -> Library:
    """Return the shipped library."""
    return load_library()


def any_record() -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for valid records of every type."""
    return st.sampled_from(RECORD_TYPES).flatmap(records)


@st.composite
def records(draw: Draw, record_type: str) -> dict[str, Any]:
    """Draw a valid record of one type."""
    name = f"{record_type}.schema.json"
    data: dict[str, Any] = _object(draw, _document(name), name)
    for repair in _REPAIRS:
        repair(draw, data)
    return data


@cache
def _document(name: str) -> Schema:
    schema: Schema = json.loads((schema_folder() / name).read_text("utf-8"))
    return schema


def _resolve(schema: Schema, file: str) -> tuple[Schema, str, str]:
    """Return what a schema refers to, its document, and the last name of the reference."""
    reference, last = schema.get("$ref"), ""
    while reference:
        name, _, pointer = reference.partition("#")
        file = name or file
        schema = _document(file)
        for step in pointer.strip("/").split("/"):
            schema, last = schema[step], step
        reference = schema.get("$ref")
    return schema, file, last


def _value(draw: Draw, schema: Schema, file: str, field: str) -> Any:
    schema, file, name = _resolve(schema, file)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    if "properties" in schema:
        return _object(draw, schema, file)
    if schema["type"] == "array":
        size = draw(st.integers(schema["minItems"], 3))
        return [_value(draw, schema["items"], file, field) for _ in range(size)]
    return _leaf(draw, schema, name, field)


def _object(draw: Draw, schema: Schema, file: str) -> dict[str, Any]:
    required = set(schema.get("required", ()))
    needs = dict(schema.get("dependentRequired", {}))
    members: dict[str, tuple[Schema, str]] = {}
    for part in schema.get("allOf", ()):
        inherited, home, _ = _resolve(part, file)
        required |= set(inherited["required"])
        needs |= inherited.get("dependentRequired", {})
        members |= {key: (item, home) for key, item in inherited["properties"].items()}
    members |= {key: (item, file) for key, item in schema["properties"].items()}
    choices = [choice["required"][0] for choice in schema.get("oneOf", ())]
    chosen = draw(st.sampled_from(choices)) if choices else None
    wanted = [
        key
        for key in members
        if key in required or key == chosen or (key not in choices and draw(st.booleans()))
    ]
    if not wanted:
        wanted = [draw(st.sampled_from(sorted(members)))]
    found = {key: _value(draw, *members[key], key) for key in wanted}
    for key, needed in needs.items():
        if key in found and not all(other in found for other in needed):
            del found[key]
    return found


def _leaf(draw: Draw, schema: Schema, name: str, field: str) -> Any:
    if schema["type"] == "boolean":
        return draw(st.booleans())
    if schema["type"] == "integer":
        return draw(st.integers(schema["minimum"], schema["maximum"]))
    if schema["type"] == "number":
        return draw(_numbers(Decimal(1), Decimal(100)))
    if name == "code":
        return draw(_words(field))
    return draw(_STRINGS[name])


def _numbers(low: Decimal, high: Decimal) -> st.SearchStrategy[int | Decimal]:
    decimals = st.integers(0, 3).flatmap(
        lambda places: st.decimals(low, high, allow_nan=False, places=places)
    )
    return decimals.filter(lambda n: not (n.is_zero() and n.is_signed())).map(_as_read)


def _as_read(number: Decimal) -> int | Decimal:
    """Return a number as the JSON reader gives it: whole without a point is an int."""
    return int(number) if number.as_tuple().exponent == 0 else number


def _words(field: str) -> st.SearchStrategy[str]:
    kind = "instrument" if field == "questionnaire" else field
    if field == "id":
        return st.integers(1, 30).map(str)
    if field == "level":
        return st.sampled_from(["low", "medium", "high"])
    return st.sampled_from(sorted(library().vocabulary[kind]))


def _partial(day: date) -> st.SearchStrategy[str]:
    return st.sampled_from([4, 7, 10]).map(lambda length: day.isoformat()[:length])


def _instants() -> st.SearchStrategy[str]:
    moments = st.datetimes(datetime(1900, 1, 2), datetime(2099, 12, 30), timezones=_ZONES)
    return moments.map(lambda m: m.replace(microsecond=m.microsecond // 1000 * 1000).isoformat())


_STRINGS: dict[str, st.SearchStrategy[str]] = {
    "text": _TEXTS,
    "key": _KEYS_TEXT.map(str.strip).filter(bool),
    "uri": _URIS,
    "date": _DAYS.flatmap(_partial),
    "day": _DAYS.map(date.isoformat),
    "instant": _instants(),
    "dateTime": st.one_of(_DAYS.map(date.isoformat), _instants()),
}


def _lists(data: dict[str, Any], *names: str) -> Iterator[list[dict[str, Any]]]:
    here: Any = data
    for name in names:
        here = here.get(name, {}) if isinstance(here, dict) else {}
    if isinstance(here, list):
        yield here


def _unique(draw: Draw, data: dict[str, Any]) -> None:
    for names, key in _KEYS.items():
        for entries in _lists(data, *names):
            _keep_first(entries, key)
    for form in data.get("questionnaires", ()):
        _keep_first(form["items"], ("id",))


def _keep_first(entries: list[dict[str, Any]], key: tuple[str, ...]) -> None:
    first = {tuple(entry.get(name) for name in key): entry for entry in reversed(entries)}
    entries[:] = list(reversed(first.values()))


def _in_order(draw: Draw, data: dict[str, Any]) -> None:
    spans = [data.get("period"), data.get("encounter"), *data.get("activities", ())]
    spans += [step for one in data.get("medications", ()) for step in one.get("titration", ())]
    for span in [span for span in spans if span]:
        if "start" in span and "end" in span:
            span["start"], span["end"] = "2024-02-01T08:00:00Z", "2024-02-01T09:30:00.5+01:00"
    for goal in data.get("goals", ()):
        if goal.get("expressed_by") == "author" and "author" not in data:
            del goal["expressed_by"]
        if "due" in goal:
            goal["start"], goal["due"] = sorted((goal["start"], goal["due"]))


def _of_their_measure(draw: Draw, data: dict[str, Any]) -> None:
    """Give each score, level and target what its measure can have."""
    leveled = {key for one in library().instruments.values() for key, m in one.measures.items()
               if m.levels}  # fmt: skip
    entries = [*data.get("scores", ()), *data.get("goals", ()), data]
    entries += data.get("pain", {}).get("ratings", ())
    for entry in entries:
        measure = entry.get("measure", entry.get("scale"))
        if "level" in entry and measure not in leveled:
            entry["missing_reason"] = "unknown"
            del entry["level"]
        if "missing_reason" in entry and measure in library().vocabulary["valued measure"]:
            del entry["missing_reason"]
            entry["score"] = 1
        for number in ("score", "target"):
            if number in entry and measure in leveled:
                del entry[number]
                if number == "score":
                    entry["level"] = "high"
            elif number in entry:
                entry[number] = draw(_numbers(*library().ranges[measure]))


def _measurable(draw: Draw, data: dict[str, Any]) -> None:
    for sign in data.get("examination", ()):
        if "value" in sign and sign["finding"] not in library().concept_maps["finding-unit"].rows:
            del sign["value"]
            sign["present"] = True
        grade = next((name for name in ("strength", "reflex", "sensation") if name in sign), None)
        if grade and f"{sign['finding']} {grade}" not in library().vocabulary["graded finding"]:
            del sign[grade]
            sign["present"] = True


def _one_leads(draw: Draw, data: dict[str, Any]) -> None:
    leads = [member for member in data.get("care_team", ()) if member.get("lead")]
    for member in leads[1:]:
        member["lead"] = False


def _listed_items(draw: Draw, data: dict[str, Any]) -> None:
    """Give each item an id that its instrument has, in the instrument's order."""
    for form in data.get("questionnaires", ()):
        items = library().instruments[form["instrument"]].items
        for item in form["items"] if items else ():
            item["id"] = draw(st.sampled_from(items.ids))
        if items:
            form["items"].sort(key=lambda item: items.ids.index(item["id"]))


def _answered(draw: Draw, data: dict[str, Any]) -> None:
    there = {form["instrument"] for form in data.get("questionnaires", ())}
    for score in data.get("scores", ()):
        if score.get("questionnaire") not in there:
            score.pop("questionnaire", None)


_REPAIRS = (
    _of_their_measure, _measurable, _listed_items, _unique, _in_order, _answered, _one_leads,
)  # fmt: skip
