"""A shape that comes often gets code of its own; whatever that cannot do, the general code does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec
import pytest

from fhir_backpain.mapping.special import shapes as room
from fhir_backpain.mapping.special.shapes import Shapes

NO_ITEMS: tuple[Any, ...] = ()


class Item(msgspec.Struct, kw_only=True, frozen=True):
    word: Literal["a", "b"]
    number: int | None = None


class ListRecord(msgspec.Struct, kw_only=True, frozen=True):
    name: str
    note: str | None = None
    items: list[Item] = msgspec.field(default=NO_ITEMS)  # type: ignore[assignment]


TEXT = """\
def make(s):
    made = []
    add = made.append
    note = f',"note":{quoted(s.note)}' if s.note is not None else ''
    for e in s.items:
        number = f'={e.number}' if e.number is not None else ''
        add(f'{quoted(s.name)}{note}:{K[e.word]}{number}')
    return ';'.join(made)
"""


def names(**more: Any) -> dict[str, Any]:
    return {"quoted": repr, "K": {"a": "first", "b": "second"}, "NO_ITEMS": NO_ITEMS, **more}


def compiled(text: str, given: dict[str, Any]) -> Callable[[Any], Any]:
    exec(text, given)
    made: Callable[[Any], Any] = given["make"]
    return made


def shaped(text: str = TEXT, *, first: int = 3, often: int = 2, **more: Any) -> Shapes:
    given = names(**more)
    return Shapes(compiled(text, given), text, given, ListRecord, first=first, often=often)


def record(
    name: str, *words: str, note: str | None = None, number: int | None = None
) -> ListRecord:
    items = [Item(word=word, number=number) for word in words]  # type: ignore[arg-type]
    return ListRecord(name=name, note=note, items=items)


def test_a_shape_gets_its_own_code_after_it_came_often() -> None:
    shapes = shaped()
    one = record("x", "a", "b", number=1)
    for _ in range(3):
        assert shapes.make(one) == "'x':first=1;'x':second=1"
        assert shapes.own(one) is None
    shapes.make(one)
    own = shapes.own(record("y", "a", "b", number=7))
    assert own is not None
    assert own(record("y", "a", "b", number=7)) == "'y':first=7;'y':second=7"


@pytest.mark.parametrize(
    "other",
    [
        record("x", "a", "b"),
        record("x", "a", "b", number=1, note="n"),
        record("x", "b", "a", number=1),
        record("x", "a", number=1),
        ListRecord(name="x"),
        ListRecord(name="x", items=[]),
    ],
)
def test_another_shape_is_not_mistaken_for_it(other: ListRecord) -> None:
    shapes = shaped(first=0, often=1)
    known = record("x", "a", "b", number=1)
    shapes.make(known)
    assert shapes.own(known) is not None
    assert shapes.own(other) is None
    assert shapes.make(other) == compiled(TEXT, names())(other)


def test_what_cannot_be_known_beforehand_stays_with_the_general_code() -> None:
    text = "def make(s):\n    while s.note:\n        return s.name\n    return 'none'\n"
    shapes = shaped(text, first=0, often=1)
    for one in (record("x", note="n"), record("y", note="n"), record("z")):
        assert shapes.make(one) == compiled(text, names())(one)
    assert shapes.own(record("x", note="n")) is shapes.own(record("y", note="n"))


def test_a_word_that_no_table_has_raises_what_the_general_code_raises() -> None:
    shapes = shaped(first=0, often=1, K={"a": "first"})
    for _ in range(3):
        with pytest.raises(KeyError, match="'b'"):
            shapes.make(record("x", "b"))


def test_a_long_list_has_no_code_of_its_own() -> None:
    shapes = shaped(first=0, often=1)
    long = record("x", *["a"] * 65)
    general = compiled(TEXT, names())
    assert shapes.make(long) == general(long)
    assert shapes.make(long) == general(long)


def test_only_so_many_shapes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "KEPT", 3)
    shapes = shaped(first=0, often=1)
    for count in range(1, 6):
        one = record("x", *["a"] * count)
        shapes.make(one)
        assert shapes.own(one) is not None
    kept = [count for count in range(1, 6) if shapes.own(record("x", *["a"] * count))]
    assert kept == [4, 5]
