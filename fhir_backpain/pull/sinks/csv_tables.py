"""A delivery as rows of tables: one table for a record type, and one for each list within.

A table's columns follow from the record's schema, so they are the same whatever comes. Whatever a
spreadsheet would take for a formula is made text with an apostrophe in front of it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from fhir_backpain.fhir.json_text import dump
from fhir_backpain.mapping.source_shape import leaves, record_shape
from fhir_backpain.pull.delivery import Delivery

# OWASP: a cell that begins with one of these is run by spreadsheets.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_IDENTITY = ("source", "patient.identifier.system", "patient.identifier.value", "id")
_HEAD = ("delivery", "revision", "change", *_IDENTITY)


@dataclass(frozen=True, slots=True)
class Table:
    """`lists` are the lists, one within the other, that give a row for each item.

    `leaves` are paths below the item; of a list of single values the cell holds JSON.
    """

    name: str
    lists: tuple[str, ...]
    leaves: tuple[str, ...]

    @property
    def columns(self) -> list[str]:
        """The names of the columns: what names the record, then places in lists, then values."""
        if not self.lists:
            return [*_HEAD, *self.leaves, "unmapped"]
        # With their whole path: an item may have an id, and so has the record.
        places = ["[].".join(self.lists[: depth + 1]) + "[]" for depth in range(len(self.lists))]
        return [*_HEAD, *places, *(f"{places[-1]}.{leaf}" for leaf in self.leaves)]

    def rows(self, delivery: Delivery) -> Iterator[list[Any]]:
        """Yield the rows of a delivery: of a main table one, of a list one for each item."""
        head = [delivery.key, delivery.body["revision"], delivery.change]
        head += [_at(delivery.record, path) for path in _IDENTITY]
        if not self.lists:
            values = [_at(delivery.record, path) for path in self.leaves]
            yield [*head, *values, " ".join(delivery.body["unmapped"])]
            return
        for places, item in _items(delivery.record, self.lists):
            yield [*head, *places, *(_at(item, path) for path in self.leaves)]


@cache
def tables_of(record_type: str) -> tuple[Table, ...]:
    """Return the tables of a record type, the main one first."""
    found: dict[tuple[str, ...], list[str]] = {(): []}
    for leaf in leaves(record_shape(record_type)):
        *lists, last = leaf.removesuffix("[]").split("[].")
        if leaf not in _IDENTITY and leaf != "record":
            found.setdefault(tuple(lists), []).append(last)
    return tuple(
        Table(".".join((record_type, *lists)), lists, tuple(paths))
        for lists, paths in found.items()
    )


def csv_text(rows: Iterator[list[Any]] | list[list[Any]]) -> str:
    """Return rows as CSV (RFC 4180): commas, quotes where needed, CR LF after each row."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([map(_cell, row) for row in rows])
    return text.getvalue()


def _cell(value: Any) -> str:
    """Return a value as a cell; numbers keep their digits and their sign.

    >>> _cell("=1+1"), _cell(-5), _cell(True)
    ("'=1+1", '-5', 'true')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return dump(value)


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _items(value: Any, lists: tuple[str, ...]) -> Iterator[tuple[list[int], Any]]:
    """Yield each item of lists within lists, with its places from 1."""
    first, *rest = lists
    found = _at(value, first)
    for place, item in enumerate(found if isinstance(found, list) else [], start=1):
        if rest:
            for places, inner in _items(item, tuple(rest)):
                yield [place, *places], inner
        else:
            yield [place], item
