"""Spoilt JSON texts: what a text plan is sure of, the strict reader and the walk find good."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fhir_backpain.errors import SourceError
from fhir_backpain.fhir import json_text
from fhir_backpain.outcome import Issue
from fhir_backpain.validation.resource.validator import BuiltInValidator
from tests.golden.case import cases

VALIDATOR = BuiltInValidator()
WALKER = BuiltInValidator()
TEXTS = [json_text.dump(one) for case in cases() if case.release == "R4"
         for one in case.expected()]  # fmt: skip
GOOD = [text for text in TEXTS if not any(one.is_error for one in VALIDATOR.validate(text))]
for known in GOOD * 12:  # so that plans are made for all of their shapes
    VALIDATOR.validate(known)

# Parts of JSON that make another text of it, or none.
PIECES = (
    '"', '""', "\\", '\\"', "\\n", "\\b", "\\/", "\\u0041", "\\ud800", "\x00", "\x7f", "\t", "\n",
    " ", "\ufeff", "\ud800", "é", "\u2028", ",", ":", "{", "}", "[", "]", "{}", "[]", "null",
    "true", "false", "0", "-0", "-0.0", "1e2", "1E+2", "1.10", "9" * 70, "1e999", "-", ".", "/",
    '"id":"a",', '"status":"final",', '"resourceType":"Observation",', '"x":1,', ',"id":"a"',
    '"extension":[],', '"_status":{"id":"a"},', "2024-02-30", "Patient/1", "urn:oid:x", "x y",
)  # fmt: skip


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """Draw a good text with one to three pieces put in, taken out or repeated."""
    text = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        how = draw(st.sampled_from(["replace", "insert", "drop", "repeat", "token"]))
        if how == "replace":
            text = text[:start] + draw(st.sampled_from(PIECES)) + text[end:]
        elif how == "insert":
            text = text[:start] + draw(st.sampled_from(PIECES)) + text[start:]
        elif how == "drop":
            text = text[:start] + text[end:]
        elif how == "repeat":
            text = text[:end] + text[start:end] + text[end:]
        else:
            text = _with_other_token(draw, text)
    return text


def _with_other_token(draw: st.DrawFn, text: str) -> str:
    """Replace a whole string or number, with its quotes."""
    parts = text.split('"')
    index = draw(st.integers(0, len(parts) - 1))
    other = draw(st.sampled_from(PIECES))
    return '"'.join([*parts[:index], other, *parts[index + 1 :]])


def expected(text: str | bytes) -> list[Issue]:
    """Return what the strict reader, and then the walk alone, say of a text."""
    try:
        data: Any = json_text.parse(text)
    except SourceError as error:
        return list(error.issues)
    return WALKER._all(data, ())


def test_a_plan_is_there_for_what_comes_often() -> None:
    # Else the property below would be one of the walk.
    assert sum(VALIDATOR._texts.told(text) is not None for text in GOOD) > 0.6 * len(GOOD)


@given(spoilt())
def test_a_spoilt_text_is_judged_as_its_data_are(text: str) -> None:
    wanted = expected(text)
    assert VALIDATOR._texts.told(text) in (None, wanted)
    assert VALIDATOR.validate(text) == wanted


@given(spoilt())
def test_bytes_are_judged_as_their_text_is(text: str) -> None:
    written = text.encode("utf-8", "surrogatepass")
    assert VALIDATOR._texts.told(written) in (None, expected(written))


@given(st.sampled_from(GOOD), st.sampled_from([(", ", ": "), (",", ": "), (" ,", ":")]),
       st.booleans())  # fmt: skip
def test_white_space_and_escapes_change_no_verdict(
    text: str, separators: tuple[str, str], is_ascii: bool
) -> None:
    data = json.loads(text, parse_float=lambda number: 1)
    written = json.dumps(data, separators=separators, ensure_ascii=is_ascii)
    assert VALIDATOR.validate(written) == expected(written)
    assert VALIDATOR.validate(f"\n{written} ") == expected(written)
