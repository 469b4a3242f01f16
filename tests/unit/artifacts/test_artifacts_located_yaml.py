"""Located YAML: every value has its place, and what a mapping may not use is refused there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fhir_backpain.artifacts.located_yaml import (
    YamlList,
    YamlMap,
    YamlScalar,
    parse_yaml,
    plain,
    read_yaml,
    refuse_unknown,
    want_map,
    want_text,
)
from fhir_backpain.errors import MappingSyntaxError
from fhir_backpain.outcome import Issue

TEXT = """\
# a comment
name: back pain
list:
  - 1
  - {a: true, "b c": ~}
deep:
    inner: |
        two
        lines
"""


def refusal(act: Callable[[], object]) -> Issue:
    with pytest.raises(MappingSyntaxError) as caught:
        act()
    (issue,) = caught.value.issues
    return issue


def test_every_value_and_key_has_its_line_and_column() -> None:
    tree = parse_yaml(TEXT, "f.yaml")
    assert str(tree.location) == "f.yaml:2:1"
    assert str(tree.entries["name"].location) == "f.yaml:2:7"
    items = tree.entries["list"]
    assert isinstance(items, YamlList)
    assert [str(item.location) for item in items] == ["f.yaml:4:5", "f.yaml:5:5"]
    inner = items.items[1]
    assert isinstance(inner, YamlMap)
    assert str(inner.entries["b c"].location) == "f.yaml:5:22"
    assert str(inner.key_locations["b c"]) == "f.yaml:5:15"
    assert str(tree.key_locations["deep"]) == "f.yaml:6:1"


def test_plain_gives_the_data() -> None:
    assert plain(parse_yaml(TEXT, "f")) == {
        "name": "back pain",
        "list": [1, {"a": True, "b c": None}],
        "deep": {"inner": "two\nlines\n"},
    }


@pytest.mark.parametrize(
    ("written", "value", "text", "quoted"),
    [
        ("5", 5, "5", False),
        ("'5'", "5", "5", True),
        ('"=a"', "=a", "=a", True),
        ("1.50", 1.5, "1.50", False),
        ("2024-01-31", "2024-01-31", "2024-01-31", False),
        ("2024-01-31 10:00:00", "2024-01-31 10:00:00", "2024-01-31 10:00:00", False),
        ("no", False, "no", False),
        ("~", None, "~", False),
        ("=", "=", "=", False),
        ("é 漢", "é 漢", "é 漢", False),
    ],
)
def test_a_scalar_keeps_its_value_and_its_text(
    written: str, value: object, text: str, quoted: bool
) -> None:
    node = parse_yaml(f"a: {written}", "f").entries["a"]
    assert isinstance(node, YamlScalar)
    assert (node.value, node.text, node.quoted) == (value, text, quoted)


@pytest.mark.parametrize(
    ("text", "place", "number", "words"),
    [
        ("", "1:1", 1002, "The file is empty."),
        ("# only words\n", "1:1", 1002, "The file is empty."),
        ("a: [1\nb: 2\n", "2:2", 1002, "cannot be read"),
        ("a: 1\n\tb: 2\n", "2:1", 1002, "cannot be read"),
        ("a: 'open\n", "2:1", 1002, "cannot be read"),
        ("a: 1\n---\nb: 2\n", "2:1", 1002, "another document"),
        ("a: \x07\n", "1:1", 1002, "cannot be read"),
        ("- a\n- b\n", "1:1", 1004, "must hold a map"),
        ("word\n", "1:1", 1004, "must hold a map"),
        ("a: 1\nb: 2\na: 3\n", "3:1", 1003, "The key 'a' stands here twice."),
        ("x:\n  a: 1\n  'a': 3\n", "3:3", 1003, "The key 'a' stands here twice."),
        ("a:\n  [1, 2]: x\n", "2:3", 1004, "A key must be plain text."),
        ("a: 1\nb: !!python/object:os.system x\n", "2:4", 1004, "not allowed"),
        ("a: !mine x\n", "1:4", 1004, "not allowed"),
        ("a: !!int x\n", "1:4", 1004, "not allowed"),
        ("a: !!binary aGk=\n", "1:4", 1004, "not allowed"),
        ("a: {b: !mine {c: 1}}\n", "1:8", 1004, "tag is not allowed"),
        ("a: !!set {b, c}\n", "1:4", 1004, "tag is not allowed"),
        ("a: !!omap [b: 1]\n", "1:4", 1004, "tag is not allowed"),
        ("a: .nan\n", "1:4", 1004, "not allowed"),
        ("a: [1, -.inf]\n", "1:8", 1004, "not allowed"),
        ("a: 1\nb: &x 2\nc: *x\n", "2:4", 1002, "An anchor is not allowed"),
        ("a: &x\n  b: *x\n", "1:4", 1002, "An anchor is not allowed"),
        ("a: *x\n", "1:4", 1002, "cannot be read"),
        ("a: " + "[" * 100 + "]" * 100, "1:67", 1002, "nested too deeply"),
    ],
)
def test_what_a_mapping_may_not_use_is_refused_at_its_place(
    text: str, place: str, number: int, words: str
) -> None:
    issue = refusal(lambda: parse_yaml(text, "f.yaml"))
    assert (str(issue.mapping), issue.number) == (f"f.yaml:{place}", number)
    assert words in issue.text


def test_endless_nesting_is_refused_without_a_traceback() -> None:
    issue = refusal(lambda: parse_yaml("a: " + "[" * 5000 + "]" * 5000, "f.yaml"))
    assert "nested too deeply" in issue.text


def test_a_file_is_read_with_its_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\n")
    assert plain(read_yaml(path)) == {"a": "é"}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    issue = refusal(lambda: read_yaml(tmp_path / "none.yaml"))
    assert (issue.number, str(issue.mapping)) == (1001, f"{tmp_path}/none.yaml:1:1")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_bytes(b"a: \xff\n")
    issue = refusal(lambda: read_yaml(path))
    assert (issue.number, issue.text) == (1002, "The file cannot be read: UnicodeDecodeError.")
    issue = refusal(lambda: read_yaml(tmp_path))
    assert (issue.number, issue.text) == (1002, "The file cannot be read: IsADirectoryError.")


def test_wanted_entries_are_there_and_of_their_kind() -> None:
    tree = parse_yaml("a: 5\nb: {c: d}\nn: ~\n", "f.yaml")
    assert want_text(tree, "a") == "5"
    assert plain(want_map(tree, "b")) == {"c": "d"}
    found = {
        "f.yaml:1:1": refusal(lambda: want_text(tree, "z")),
        "f.yaml:2:4": refusal(lambda: want_text(tree, "b")),
        "f.yaml:3:4": refusal(lambda: want_text(tree, "n")),
        "f.yaml:1:4": refusal(lambda: want_map(tree, "a")),
    }
    assert {place: str(issue.mapping) for place, issue in found.items()} == {
        place: place for place in found
    }
    assert refusal(lambda: want_map(tree, "z")).number == 1005


def test_an_unknown_entry_is_named_with_those_that_are_known() -> None:
    tree = parse_yaml("a: 1\n  \nbb: 2\n", "f.yaml")
    refuse_unknown(tree, {"a", "bb"})
    issue = refusal(lambda: refuse_unknown(tree, {"c", "a"}))
    assert str(issue.mapping) == "f.yaml:3:1"
    assert issue.text == "The entry 'bb' is not known here; known are: a, c."
