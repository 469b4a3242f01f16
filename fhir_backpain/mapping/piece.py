"""Pieces: what a node of a template becomes, and how pieces make objects and lists.

A piece is a row of chunks that give its JSON text, and a test where it may not be there. An object
is left out where its members that depend on the record are all missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fhir_backpain.mapping.chunk import (
    ByWord,
    Chunk,
    Chunks,
    Code,
    OwnId,
    OwnKey,
    Text,
    WordTable,
    f_string,
    merged,
)
from fhir_backpain.mapping.code_buffer import CodeBuffer


@dataclass(frozen=True, slots=True)
class Piece:
    """The JSON text of a node, as chunks.

    `test` is a Python expression that is true where the node is there, None where it always is;
    the chunks are computed only where it is true. `live` is true where the node depends on the
    record. `names` and `is_bound` speak of the test, as they do in `Code`. `needs` is the test of
    an object without which the node is never there, where there is one.
    """

    chunks: Chunks
    test: str | None = None
    live: bool = False
    names: frozenset[str] = frozenset()
    is_bound: bool = False
    needs: str | None = None

    def wrapped(self, before: str, after: str) -> Piece:
        """Return the piece with constant text around it."""
        return replace(self, chunks=(Text(before), *self.chunks, Text(after)))


def literal(value: Any) -> Piece:
    """Return the piece of a JSON value that never varies."""
    return Piece((Text(compact(value)),))


def compact(value: Any) -> str:
    """Return the JSON text of a value, in ASCII."""
    return json.dumps(value, separators=(",", ":"))


_Parts = Sequence[tuple[str, Piece]]


class PieceMaker:
    """Puts pieces together; lines that this needs go to the prelude or to the present place."""

    def __init__(self, code: CodeBuffer, constant: Callable[[WordTable], str]) -> None:
        self._code = code
        self._constant = constant
        # The head of every program computes this one.
        self._hoisted = {"quoted(s.source)": "system"}
        code.in_prelude.add("system")
        self._needs_key = False

    def text(self, chunks: Iterable[Chunk]) -> str:
        """Return the f-string of chunks."""
        row = list(chunks)
        self._needs_key |= any(isinstance(chunk, OwnKey) for chunk in row)
        return f_string(row, self._constant)

    def take_early_key(self) -> bool:
        """Return whether the resource's own key was needed since this was asked last."""
        needed, self._needs_key = self._needs_key, False
        return needed

    def object(self, members: Mapping[str, Piece]) -> Piece:
        """Return the piece of an object; it is left out where its live members are all empty."""
        parts = [(f"{compact(key)}:", piece) for key, piece in members.items()]
        return self._gathered(parts, [piece for piece in members.values() if piece.live], "{", "}")

    def list(self, items: Iterable[Piece]) -> Piece:
        """Return the piece of a list; it is left out where it has items, and all are empty."""
        pieces = list(items)
        return self._gathered([("", piece) for piece in pieces], pieces, "[", "]")

    def _gathered(
        self, parts: _Parts, deciding: Sequence[Piece], opener: str, closer: str
    ) -> Piece:
        """Return the piece of some parts; it is there where any of the deciding ones is."""
        is_live = any(piece.live for _, piece in parts)
        optional = [piece for piece in deciding if piece.test is not None]
        if len(deciding) == len(optional) == 1:
            # The only part that varies is there wherever the whole is.
            row = self._row([(start, replace(piece, test=None)) for start, piece in parts])
            return replace(optional[0], chunks=(Text(opener), *row, Text(closer)))
        all_optional = len(optional) == len(parts)
        needs = _common_need(optional) if all_optional else None
        body = self._without_comma(self._row(parts), parts, needs)
        whole = (Text(opener), *body, Text(closer))
        if not deciding or len(optional) < len(deciding):
            return Piece(whole, live=is_live)
        return self._where_any(whole, optional)

    def _row(self, parts: _Parts) -> Chunks:
        chunks: list[Chunk] = []
        for index, (start, piece) in enumerate(parts):
            if piece.test is None:
                comma = "," if index else ""
                chunks += (Text(comma + start), *piece.chunks)
            else:
                chunks.append(self._or_nothing(piece.wrapped("," + start, "")))
        return tuple(chunks)

    def _without_comma(self, row: Chunks, parts: _Parts, needs: str | None) -> Chunks:
        """Return the parts without a comma before the first that is there."""
        if not parts or parts[0][1].test is None:
            return row
        joined = self._code_of(self.text(row), row, needs=needs)
        return (Code(f"{joined.expression}[1:]", joined.names, joined.is_bound),)

    def _where_any(self, whole: Chunks, optional: Sequence[Piece]) -> Piece:
        names = frozenset().union(*(piece.names for piece in optional))
        is_bound = any(piece.is_bound for piece in optional)
        test = " or ".join(dict.fromkeys(f"{piece.test}" for piece in optional))
        return Piece(whole, f"({test})", True, names, is_bound, _common_need(optional))

    def _or_nothing(self, piece: Piece) -> Chunk:
        """Return the chunk of a piece that gives no text where the piece is not there."""
        row = merged(piece.chunks)
        if len(row) == 1 and isinstance(row[0], ByWord) and piece.test == is_there(row[0].word):
            return ByWord(row[0].word, row[0].table.or_nothing(), row[0].is_bound)
        expression = f"{self.text(row)} if {piece.test} else ''"
        return self._code_of(expression, row, piece, piece.needs)

    def _code_of(
        self,
        expression: str,
        chunks: Iterable[Chunk],
        piece: Piece | None = None,
        needs: str | None = None,
    ) -> Code:
        """Assign an expression, in the prelude where nothing in it differs within the record."""
        row = list(chunks)
        names = (piece.names if piece else frozenset()).union(
            *(chunk.names for chunk in row if isinstance(chunk, Code))
        )
        is_bound = (piece is not None and piece.is_bound) or any(
            isinstance(chunk, OwnKey | OwnId)
            or (isinstance(chunk, Code | ByWord) and chunk.is_bound)
            for chunk in row
        )
        can_fail = any(isinstance(chunk, ByWord) for chunk in row)
        if is_bound or can_fail or not names <= self._code.in_prelude:
            if is_bound:
                self._code.bind()
            if can_fail:
                self._code.can_fail()
            name = self._code.assign(expression)
            return Code(name, frozenset((name,)), is_bound)
        if expression not in self._hoisted:
            name = self._code.assign_in_prelude(expression, names, needs)
            self._hoisted[expression] = name
        name = self._hoisted[expression]
        return Code(name, frozenset((name,)))

    def hoisted(self, chunks: Iterable[Chunk], where: str | None = None) -> Code:
        """Return a variable of the prelude that holds the text of chunks of the record alone.

        It is computed only where the test `where` holds.
        """
        row = list(chunks)
        text = self.text(row)
        return self._code_of(f"{text} if {where} else ''" if where else text, row)

    def is_of_record(self, chunk: Chunk) -> bool:
        """True where code gives the same text throughout the record, and cannot fail."""
        return (
            isinstance(chunk, Code) and not chunk.is_bound and chunk.names <= self._code.in_prelude
        )


def _common_need(pieces: Sequence[Piece]) -> str | None:
    """Return the object that all pieces need, where it is the same."""
    needs = {piece.needs for piece in pieces}
    return needs.pop() if len(needs) == 1 else None


def is_there(word: str) -> str:
    """Return the test of whether a single value is there."""
    return f"{word} is not None"
