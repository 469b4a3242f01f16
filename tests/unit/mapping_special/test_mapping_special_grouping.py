"""What texts share is joined once, where that is worth a variable."""

from __future__ import annotations

from fhir_backpain.mapping.special.grouping import Group, Part, grouped

A, B, C = (("value", name) for name in "abc")


def spelt(row: list[Part]) -> str:
    """Return a row as text, its groups written out."""
    return "".join(
        spelt(part.parts) if isinstance(part, Group) else part if isinstance(part, str) else part[1]
        for part in row
    )


def test_a_row_that_comes_often_becomes_a_group() -> None:
    rows: list[list[Part]] = [[f"{n}", A, "-", B, "-", C, "."] for n in range(4)]
    (group,) = grouped(rows)
    assert group.parts == [A, "-", B, "-", C]
    assert rows == [[f"{n}", group, "."] for n in range(4)]


def test_what_is_short_or_comes_once_stays() -> None:
    rows: list[list[Part]] = [["x", A, "-", B], ["y", A, "+", B], [A]]
    assert grouped(rows) == []
    assert rows == [["x", A, "-", B], ["y", A, "+", B], [A]]


def test_groups_come_after_those_that_they_hold_and_lose_nothing() -> None:
    inner: list[Part] = [A, "-", B, "-", C]
    rows: list[list[Part]] = [["1", *inner, "+", A, "!"] for _ in range(6)]
    rows += [["2", *inner, "?"] for _ in range(6)]
    before = [spelt(row) for row in rows]
    groups = grouped(rows)
    assert len(groups) == 2
    assert [spelt(row) for row in rows] == before
    for number, group in enumerate(groups):
        held = [part for part in group.parts if isinstance(part, Group)]
        assert all(one in groups[:number] for one in held)
