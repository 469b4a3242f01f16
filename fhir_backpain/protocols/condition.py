"""Conditions of a protocol: read from a line of words, judged on an assessment.

A condition holds, does not hold, or cannot be told because the assessment does not say. The forms::

    always
    cause is disc-herniation, sciatica
    cause is confirmed as disc-herniation
    factor is poor-posture, sedentary-lifestyle
    finding neurogenic-claudication is present
    pain at least 50 %                  the worst rating, as a share of its scale
    leg pain at least 40 %
    odi at least 40                     also: at most
    startback-risk is medium, high
    duration at least 12 weeks          also: below; since the onset of the pain
    tried exercise-therapy, stretching  in an earlier plan that is not a draft

Two forms joined by ``or`` hold where one of them does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from fhir_backpain.artifacts.located_yaml import fail
from fhir_backpain.mapping.library import Library
from fhir_backpain.outcome import MappingLocation
from fhir_backpain.protocols.case import Case
from fhir_backpain.protocols.messages import CONDITION_UNREADABLE, WORD_UNKNOWN

Judge = Callable[[Case, re.Match[str]], bool | None]
Words = Callable[[re.Match[str]], Iterator[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of a protocol's conditions."""

    text: str

    def holds(self, case: Case) -> bool | None:
        """Return whether the condition holds; None where the assessment does not tell."""
        found = [form.judge(case, match) for form, match in _clauses(self.text)]
        if any(found):
            return True
        return None if None in found else False


@dataclass(frozen=True, slots=True)
class _Form:
    """A form of a clause: its pattern, its judge, and the words in it by kind of vocabulary."""

    pattern: re.Pattern[str]
    judge: Judge
    words: Words


def read_condition(text: str, where: MappingLocation, library: Library) -> Condition:
    """Return a condition; raises MappingSyntaxError where its form or a word in it is unknown."""
    plain = " ".join(text.split())
    for part in plain.split(" or "):
        if not any(form.pattern.fullmatch(part) for form in _FORMS):
            raise fail(CONDITION_UNREADABLE, f"'{part}' is no condition.", where)
    for form, match in _clauses(plain):
        for kind, word in form.words(match):
            if word not in library.vocabulary.get(kind, ()):
                raise fail(WORD_UNKNOWN, f"There is no {kind} '{word}'.", where)
    return Condition(plain)


def _clauses(text: str) -> Iterator[tuple[_Form, re.Match[str]]]:
    for part in text.split(" or "):
        for form in _FORMS:
            match = form.pattern.fullmatch(part)
            if match:
                yield form, match
                break


def _listed(match: re.Match[str], group: str = "words") -> frozenset[str]:
    return frozenset(match[group].split(", "))


def _of(kind: str) -> Words:
    return lambda match: ((kind, word) for word in sorted(_listed(match)))


def _nothing(_: re.Match[str]) -> Iterator[tuple[str, str]]:
    yield from ()


def _cause(case: Case, match: re.Match[str]) -> bool | None:
    return case.has_cause(_listed(match), confirmed=match["confirmed"] is not None)


def _pain(case: Case, match: re.Match[str]) -> bool | None:
    worst = case.worst_pain(in_leg=match["leg"] is not None)
    return None if worst is None else worst >= Decimal(match["share"])


def _score(case: Case, match: re.Match[str]) -> bool | None:
    score, bound = case.score(match["measure"]), Decimal(match["bound"])
    if score is None:
        return None
    return score >= bound if match["way"] == "at least" else score <= bound


def _score_words(match: re.Match[str]) -> Iterator[tuple[str, str]]:
    yield "measure", match["measure"]


def _level(case: Case, match: re.Match[str]) -> bool | None:
    level = case.level(match["measure"])
    return None if level is None else level in _listed(match)


def _level_words(match: re.Match[str]) -> Iterator[tuple[str, str]]:
    yield "measure", match["measure"]
    for word in sorted(_listed(match)):
        yield "level", f"{match['measure']} {word}"


def _duration(case: Case, match: re.Match[str]) -> bool | None:
    weeks = case.weeks_of_pain()
    if weeks is None:
        return None
    (least, most), bound = weeks, int(match["weeks"])
    if match["way"] == "below":
        return True if most < bound else False if least >= bound else None
    return True if least >= bound else False if most < bound else None


_WORD = r"[a-z0-9]+(?:[-.][a-z0-9]+)*"
_WORDS = rf"(?P<words>{_WORD}(?:, {_WORD})*)"
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"

_FORMS = (
    _Form(re.compile("always"), lambda case, match: True, _nothing),
    _Form(re.compile(rf"cause is (?P<confirmed>confirmed as )?{_WORDS}"), _cause, _of("cause")),
    _Form(
        re.compile(rf"factor is {_WORDS}"),
        lambda case, match: case.has_factor(_listed(match)),
        _of("factor"),
    ),
    _Form(
        re.compile(rf"finding (?P<words>{_WORD}) is present"),
        lambda case, match: case.has_finding(match["words"]),
        _of("finding"),
    ),
    _Form(re.compile(rf"(?P<leg>leg )?pain at least (?P<share>{_NUMBER}) %"), _pain, _nothing),
    _Form(
        re.compile(r"duration (?P<way>at least|below) (?P<weeks>[0-9]+) weeks"),
        _duration,
        _nothing,
    ),
    _Form(
        re.compile(rf"tried {_WORDS}"),
        lambda case, match: case.has_tried(_listed(match)),
        _of("treatment"),
    ),
    _Form(
        re.compile(rf"(?P<measure>{_WORD}) (?P<way>at least|at most) (?P<bound>{_NUMBER})"),
        _score,
        _score_words,
    ),
    _Form(re.compile(rf"(?P<measure>{_WORD}) is {_WORDS}"), _level, _level_words),
)  # fmt: skip
