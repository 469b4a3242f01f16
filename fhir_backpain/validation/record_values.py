"""Whether a value is of the kind that its measure or finding takes: a number, a level, neither."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhir_backpain.outcome import Issue
from fhir_backpain.validation.plain_words import expectation
from fhir_backpain.validation.record_entry import Path, entries, text_of
from fhir_backpain.validation.record_messages import UNKNOWN_KEY, WRONG_VALUE_KIND
from fhir_backpain.validation.record_problem import issue_at
from fhir_backpain.validation.record_vocabulary import Vocabulary

# The list, the field with the key, the field with the number, and the kind of key that has one.
_NUMBERS: tuple[tuple[tuple[str, ...], str, str, str], ...] = (
    (("scores",), "measure", "score", "scored measure"),
    (("examination",), "finding", "value", "measured finding"),
    (("goals",), "measure", "target", "scored measure"),
)
_GRADES = ("strength", "reflex", "sensation")


def values_of_wrong_kind(data: dict[str, Any], vocabulary: Vocabulary) -> Iterator[Issue]:
    """Yield an issue for each number without a unit, and for each level that its measure lacks.

    So too for each grade that its finding lacks. Kinds of the vocabulary: ``scored measure``,
    ``measured finding``, ``valued measure`` (never without its value), ``level``, whose words are
    "measure level", and ``graded finding``, whose words are "finding grade".
    """
    for names, key, number, kind in _NUMBERS:
        for path, entry in entries(data, *names):
            yield from _number(path, entry, key, number, kind, vocabulary)
    yield from _number((), data, "measure", "score", "scored measure", vocabulary)
    for path, entry in entries(data, "scores"):
        yield from _level(path, entry, vocabulary)
    yield from _level((), data, vocabulary)
    for path, entry in entries(data, "examination"):
        yield from _grade(path, entry, vocabulary)
    for path, entry in (*entries(data, "scores"), ((), data)):
        yield from _needed(path, entry, vocabulary)


def _number(
    path: Path, entry: dict[str, Any], key: str, number: str, kind: str, vocabulary: Vocabulary
) -> Iterator[Issue]:
    known, word = vocabulary.get(kind), text_of(entry, key)
    if known is None or word is None or number not in entry or word in known:
        return
    # A key that is unknown altogether is reported as such.
    if word in vocabulary.get(key, ()):
        text = f"This {key} takes no number."
        yield issue_at(WRONG_VALUE_KIND, text, (*path, number))


def _level(path: Path, entry: dict[str, Any], vocabulary: Vocabulary) -> Iterator[Issue]:
    known, measure = vocabulary.get("level"), text_of(entry, "measure")
    level = text_of(entry, "level")
    if known is None or measure is None or level is None:
        return
    own = [word.partition(" ")[2] for word in known if word.partition(" ")[0] == measure]
    if level in own or measure not in vocabulary.get("measure", ()):
        return
    if not own:
        yield issue_at(WRONG_VALUE_KIND, "This measure takes no level.", (*path, "level"))
        return
    text = expectation(level, own, "a level of this measure")
    yield issue_at(UNKNOWN_KEY, text, (*path, "level"))


def _grade(path: Path, entry: dict[str, Any], vocabulary: Vocabulary) -> Iterator[Issue]:
    known, finding = vocabulary.get("graded finding"), text_of(entry, "finding")
    if known is None or finding not in vocabulary.get("finding", ()):
        return
    for grade in _GRADES:
        if grade in entry and f"{finding} {grade}" not in known:
            text = f"This finding takes no {grade}."
            yield issue_at(WRONG_VALUE_KIND, text, (*path, grade))


def _needed(path: Path, entry: dict[str, Any], vocabulary: Vocabulary) -> Iterator[Issue]:
    if "missing_reason" in entry and text_of(entry, "measure") in vocabulary.get(
        "valued measure", ()
    ):
        text = "This measure is left out altogether where its value is missing."
        yield issue_at(WRONG_VALUE_KIND, text, (*path, "missing_reason"))
