"""What a record must keep to beyond its schema: one function for each rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fhir_backpain.fhir.json_fault import pointer_of
from fhir_backpain.outcome import Issue
from fhir_backpain.validation.plain_words import any_of
from fhir_backpain.validation.record_date import is_before
from fhir_backpain.validation.record_entry import Path, entries, text_of
from fhir_backpain.validation.record_messages import (
    NO_AUTHOR,
    NO_QUESTIONNAIRE,
    REVERSED_TIMES,
    SAME_KEY,
)
from fhir_backpain.validation.record_problem import issue_at

Rule = Callable[[dict[str, Any]], Iterator[Issue]]

# What identifies an entry among its siblings; two alike would become one FHIR resource.
_KEYS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("pain", "ratings"): ("scale", "site", "side"),
    ("history",): ("aspect",),
    ("scores",): ("measure",),
    ("questionnaires",): ("instrument",),
    ("examination",): ("finding", "side", "site"),
    ("red_flags",): ("flag",),
    ("causes",): ("cause", "side"),
    ("factors",): ("factor",),
    ("investigations",): ("id",),
    ("reports",): ("id",),
    ("procedures",): ("id",),
    ("addresses",): ("cause", "side"),
    ("goals",): ("id",),
    ("activities",): ("id",),
    ("medications",): ("id",),
    ("contraindications",): ("id",),
    ("preferences",): ("id",),
}


def same_key_twice(data: dict[str, Any]) -> Iterator[Issue]:
    """Two siblings with the same key: their identities would clash."""
    for names, key in _KEYS.items():
        yield from _twice(entries(data, *names), key)
    for path, questionnaire in entries(data, "questionnaires"):
        items = ((path + inner, item) for inner, item in entries(questionnaire, "items"))
        yield from _twice(items, ("id",))


def end_before_start(data: dict[str, Any]) -> Iterator[Issue]:
    """A period, an encounter, an activity or a step of a titration that ends before it starts."""
    spans = [((name,), data[name]) for name in ("period", "encounter") if name in data]
    for path, span in [*spans, *entries(data, "activities")]:
        yield from _reversed(path, span, "start", "end")
    for path, medication in entries(data, "medications"):
        for inner, step in entries(medication, "titration"):
            yield from _reversed(path + inner, step, "start", "end")


def due_before_start(data: dict[str, Any]) -> Iterator[Issue]:
    """A goal that is due before it starts."""
    for path, goal in entries(data, "goals"):
        yield from _reversed(path, goal, "start", "due")


def questionnaire_is_there(data: dict[str, Any]) -> Iterator[Issue]:
    """A score's questionnaire must be one of the record's own."""
    there = {text_of(entry, "instrument") for _, entry in entries(data, "questionnaires")}
    for path, score in entries(data, "scores"):
        named = text_of(score, "questionnaire")
        if named is not None and named not in there:
            text = "The score names an instrument that is not among the record's questionnaires."
            yield issue_at(NO_QUESTIONNAIRE, text, (*path, "questionnaire"))


def author_is_named(data: dict[str, Any]) -> Iterator[Issue]:
    """A goal that the author expressed needs an author in the record."""
    if "author" in data:
        return
    for path, goal in entries(data, "goals"):
        if text_of(goal, "expressed_by") == "author":
            text = "The goal is expressed by the author, but the record names none."
            yield issue_at(NO_AUTHOR, text, (*path, "expressed_by"))


RULES: tuple[Rule, ...] = (
    same_key_twice,
    end_before_start,
    due_before_start,
    questionnaire_is_there,
    author_is_named,
)


def _twice(
    siblings: Iterator[tuple[Path, dict[str, Any]]], key: tuple[str, ...]
) -> Iterator[Issue]:
    seen: dict[tuple[str | None, ...], Path] = {}
    for path, entry in siblings:
        if key[0] not in entry:
            continue
        values = tuple(text_of(entry, name) for name in key)
        first = seen.setdefault(values, path)
        if first is not path and values[0] is not None:
            text = f"{any_of(key, 'and')} are" if len(key) > 1 else f"{key[0]} is"
            text = f"The same {text} given at {pointer_of(first)} already."
            yield issue_at(SAME_KEY, text, path)


def _reversed(path: Path, span: Any, start: str, end: str) -> Iterator[Issue]:
    if not isinstance(span, dict):
        return
    first, last = text_of(span, start), text_of(span, end)
    if first is not None and last is not None and is_before(last, first):
        yield issue_at(REVERSED_TIMES, f'"{end}" lies before "{start}".', (*path, end))
