import json
import string
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_backpain.errors import SourceError
from fhir_backpain.fhir.json_scanner import JsonScanner
from fhir_backpain.fhir.json_text import LIMITS, JsonLimits, dump, locate, parse, pretty
from fhir_backpain.outcome import Issue, SourceLocation


def refusal(text: str | bytes, limits: JsonLimits = LIMITS) -> Issue:
    with pytest.raises(SourceError) as caught:
        parse(text, limits)
    assert len(caught.value.issues) == 1
    return caught.value.issues[0]


def test_numbers_keep_every_digit() -> None:
    data = parse("[1.10, 7, -3, 0.000, 1E+2, 12345678901234567890.12]")
    assert [str(value) for value in data] == [
        "1.10", "7", "-3", "0.000", "1E+2", "12345678901234567890.12",
    ]  # fmt: skip
    assert [type(value) for value in data] == [Decimal, int, int, Decimal, Decimal, Decimal]


@pytest.mark.parametrize(
    ("text", "number", "line", "column", "pointer"),
    [
        ("", 2001, 1, 1, ""),
        ("   \n ", 2001, 2, 2, ""),
        ('{"a": 1, "b": }', 2001, 1, 15, "/b"),
        ('{"a": [1, 2,]}', 2001, 1, 13, "/a"),
        ('{"a": 1,}', 2001, 1, 9, ""),
        ('{"a" 1}', 2001, 1, 6, ""),
        ("{'a': 1}", 2001, 1, 2, ""),
        ('{"a": \'b\'}', 2001, 1, 7, "/a"),
        ('{"a": 1 // note\n}', 2001, 1, 9, ""),
        ('{"a": True}', 2001, 1, 7, "/a"),
        ('{\n "a": {\n  "b": "x\n"}}', 2001, 3, 10, "/a/b"),
        ('{"a": "x', 2001, 1, 7, "/a"),
        ('{"a": "\\x"}', 2001, 1, 8, "/a"),
        ('{"a": "\\u12g4"}', 2001, 1, 8, "/a"),
        ('{"a": {"b": 1', 2001, 1, 14, "/a"),
        ("{} {}", 2001, 1, 4, ""),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', 2002, 1, 24, "/b/c"),
        ('{"a": 1, "\\u0061": 2}', 2002, 1, 10, "/a"),
        ('{"a": NaN}', 2003, 1, 7, "/a"),
        ("[Infinity]", 2003, 1, 2, "/0"),
        ("[-Infinity]", 2003, 1, 2, "/0"),
        ("[1, -0]", 2003, 1, 5, "/1"),
        ("[-0.00]", 2003, 1, 2, "/0"),
        ("[1e999999]", 2003, 1, 2, "/0"),
        ("[1e-9999999999999999999999]", 2003, 1, 2, "/0"),
        ("[" + "9" * 5000 + "]", 2003, 1, 2, "/0"),
        ("[" + "1." + "0" * 100 + "]", 2003, 1, 2, "/0"),
        ("[007]", 2003, 1, 2, "/0"),
        ("[+7]", 2003, 1, 2, "/0"),
        ("[.5]", 2003, 1, 2, "/0"),
        ("[5.]", 2003, 1, 2, "/0"),
        ("[0x1F]", 2003, 1, 2, "/0"),
        ('{"a/b": {"~c": "\\u0000"}}', 2004, 1, 17, "/a~1b/~0c"),
        ('["\\ud83d"]', 2004, 1, 3, "/0"),
        ('["\\udc00"]', 2004, 1, 3, "/0"),
        ('["\\ud83d\\ud83d"]', 2004, 1, 3, "/0"),
        ('["\\\\ud83d\\udc00"]', 2004, 1, 10, "/0"),
        ('["\ud800"]', 2004, 1, 3, "/0"),
        ('["a\tb"]', 2004, 1, 4, "/0"),
        ('["a\0b"]', 2004, 1, 4, "/0"),
        ("[" * 65 + "]" * 65, 2005, 1, 65, "/0" * 64),
        ('{"a":' * 70 + "1" + "}" * 70, 2005, 1, 64 * 5 + 1, "/a" * 64),
        ("[" * 200_000, 2005, 1, 65, "/0" * 64),
    ],
)  # fmt: skip
def test_a_refusal_names_kind_line_column_and_pointer(
    text: str, number: int, line: int, column: int, pointer: str
) -> None:
    issue = refusal(text)
    place = SourceLocation(line=line, column=column, pointer=pointer)
    assert (issue.number, issue.source) == (number, place)
    assert issue.text
    assert issue.next_step


EVERY_NUMBER = JsonLimits(every_number=True)


@pytest.mark.parametrize(
    "number", ["-0", "-0.00", "1E+999", "1E-400", "9" * 100, "0." + "3" * 100, "1.10", "7"]
)
def test_every_number_is_taken_where_it_is_asked_for(number: str) -> None:
    assert dump(parse(f'{{"a":[{number}]}}', EVERY_NUMBER)) == f'{{"a":[{number}]}}'


@pytest.mark.parametrize("number", ["9" * 5000, "1e9999999999999999999999", "NaN", "007", "-"])
def test_even_then_what_is_no_number_is_refused_at_its_place(number: str) -> None:
    issue = refusal(f"[{number}]", EVERY_NUMBER)
    assert issue.number in (2001, 2003)
    assert issue.source == SourceLocation(line=1, column=2, pointer="/0")


def test_pairs_of_surrogates_are_characters() -> None:
    assert parse('["\\ud83d\\ude00", "\\\\u0000"]') == ["\U0001f600", "\\u0000"]


def test_a_bom_is_accepted_at_the_start_alone() -> None:
    assert parse(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
    assert refusal(b' \xef\xbb\xbf{"a": 1}').number == 2001


def test_invalid_utf8_names_the_byte() -> None:
    issue = refusal(b'{"a": 1,\n "name": "M\xfcller"}')
    assert issue.number == 2007
    assert "offset 20" in issue.text
    assert issue.source == SourceLocation(line=2, column=12)


def test_the_size_limit_comes_before_any_work() -> None:
    assert refusal(b"[" + b"1," * 10 + b"1]", JsonLimits(max_bytes=10)).number == 2006


def test_the_depth_limit_counts_brackets_outside_texts_alone() -> None:
    flat = '["' + "[" * 100 + '"]'
    assert parse(flat) == ["[" * 100]
    assert parse("[" * 64 + "]" * 64) is not None
    assert parse("[[]" + ",[]" * 100 + "]", JsonLimits(max_depth=2)) == [[]] * 101
    assert refusal("[[]" + ",[[]]" * 100 + "]", JsonLimits(max_depth=2)).number == 2005


def test_places_are_counted_from_where_the_text_begins_in_its_file() -> None:
    start = SourceLocation(file="a.json", line=7, column=5)
    with pytest.raises(SourceError) as caught:
        parse('{"a": ?', start=start)
    assert caught.value.issues[0].source == start.at(column=11, pointer="/a")
    with pytest.raises(SourceError) as caught:
        parse('{"a":\n ?', start=start)
    assert caught.value.issues[0].source == start.at(line=8, column=2, pointer="/a")


def test_a_giant_name_does_not_get_into_the_message() -> None:
    issue = refusal('{"a": {"' + "x" * 100_000 + '": ?}}')
    assert issue.source is not None
    assert issue.source.pointer == "/a"
    assert len(str(issue)) < 1000


def test_locate_finds_a_value_even_in_front_of_a_fault() -> None:
    text = '{"pain":\n  {"ratings": [{"score": 7}, {"score": ?'
    assert locate(text, "") == (1, 1)
    assert locate(text, "/pain/ratings/0/score") == (2, 26)
    assert locate(text, "/pain/ratings/1/score") == (2, 40)
    assert locate(text, "/pain/other") is None


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (float("nan"), ValueError),
        ([Decimal("NaN")], ValueError),
        ([Decimal("-Infinity")], ValueError),
        ({"a": {1, 2}}, TypeError),
        ([Decimal(1), {1: 2}], TypeError),
    ],
)
def test_dump_refuses_what_is_not_json(data: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        dump(data)


def test_dump_refuses_endless_nesting() -> None:
    endless: list[Any] = [Decimal("1.0")]
    endless.append(endless)
    with pytest.raises(ValueError, match=r"nested too deeply|Circular"):
        dump(endless)


def test_dump_writes_decimals_as_they_are() -> None:
    data = {"b": [Decimal("1.10"), 2, None, True, "ü\n"], "a": {"c": Decimal("1E+3")}}
    assert dump(data) == '{"b":[1.10,2,null,true,"ü\\n"],"a":{"c":1E+3}}'


@pytest.mark.parametrize("number", ["1.10", "2"])
def test_sorted_keys_give_equal_content_equal_text(number: str) -> None:
    data = parse(f'{{"b": {{"d": {number}, "c": ["ü"]}}, "a": null}}')
    assert dump(data, sort_keys=True) == f'{{"a":null,"b":{{"c":["ü"],"d":{number}}}}}'


def test_pretty_has_a_member_on_each_line_and_every_digit() -> None:
    data = parse('{"a": [1.10, {}, []], "ü": {"b": null, "c": "d\\n"}}')
    assert (
        pretty(data)
        == """{
  "a": [
    1.10,
    {},
    []
  ],
  "ü": {
    "b": null,
    "c": "d\\n"
  }
}"""
    )
    assert exact(parse(pretty(data))) == exact(data)


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
BIG = Decimal(10) ** 20
DECIMALS = st.decimals(-BIG, BIG, allow_nan=False, places=4).filter(
    lambda value: not (value.is_zero() and value.is_signed())
)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | DECIMALS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def exact(data: Any) -> Any:
    """Return the data in a form that tells 1.1 from 1.10 and 1 from true."""
    if isinstance(data, dict):
        return {key: exact(value) for key, value in data.items()}
    if isinstance(data, list):
        return [exact(value) for value in data]
    return (type(data).__name__, str(data))


@given(DATA)
def test_parse_gives_back_what_dump_wrote(data: Any) -> None:
    assert exact(parse(dump(data))) == exact(data)
    assert exact(parse(dump(data).encode())) == exact(data)


ODD_JSON = st.text(
    st.sampled_from(list('{}[]",:\\/ub0019.-+eEtrufalsn NI\n\t\0é\ud800')), max_size=25
)


@settings(max_examples=400)
@given(ODD_JSON | st.text() | st.binary())
def test_no_text_raises_anything_but_a_source_error(text: str | bytes) -> None:
    try:
        data = parse(text)
    except SourceError as error:
        assert error.issues[0].source is not None  # noqa: PT017
    else:
        assert exact(parse(dump(data))) == exact(data)


@settings(max_examples=400)
@given(ODD_JSON, st.sampled_from([LIMITS, EVERY_NUMBER]))
def test_the_slow_walk_agrees_with_the_fast_reading(text: str, limits: JsonLimits) -> None:
    fault = JsonScanner(text, limits.max_depth, every_number=limits.every_number).fault()
    try:
        parse(text, limits)
    except SourceError as error:
        assert fault is not None
        assert error.issues[0].text == fault.text  # noqa: PT017
    else:
        assert fault is None


@given(DATA, st.text(string.whitespace, max_size=3))
def test_what_another_strict_writer_wrote_is_read(data: Any, space: str) -> None:
    plain = json.loads(json.dumps(data, default=float))
    indented = json.dumps(plain, indent=2).replace("-0.0", "0.0")
    assert parse(indented) == json.loads(indented, parse_float=Decimal)
