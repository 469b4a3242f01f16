"""Chunks: the pieces of JSON text that compiled code puts together.

What a template becomes is a row of chunks: constant text, text that code computes, and text that a
table holds for a word of the record. Neighbours are merged as far as they go, so that a resource
costs one f-string with few places, however many elements it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fhir_backpain.mapping import messages
from fhir_backpain.outcome import Issue, MappingLocation

# A word of the record, None for a missing one, or a tuple of such.
Word = Any
Origin = tuple[frozenset[str | None], str, MappingLocation]


class WordTable(dict[Word, str]):
    """JSON text by word, while code is compiled; the code itself has plain dictionaries.

    `origins` are the concept maps that were merged into it: words, name and place of each. The
    words of a composed table are tuples: of each, `parts` has the table that it must be in.
    """

    def __init__(
        self,
        rows: Mapping[Word, str],
        origins: tuple[Origin, ...] = (),
        parts: tuple[WordTable, ...] = (),
    ) -> None:
        super().__init__(rows)
        self.origins = origins
        self.parts = parts

    @classmethod
    def of_map(cls, rows: Mapping[str, str], name: str, where: MappingLocation) -> WordTable:
        """Return the table of one concept map."""
        return cls(dict(rows), ((frozenset(rows), name, where),))

    def lack(self, word: Any) -> Issue:
        """Return what to say of a word that has no row."""
        for part, table in zip(word, self.parts, strict=True) if self.parts else ():
            if part not in table:
                return table.lack(part)
        _, name, where = next(
            (origin for origin in self.origins if word not in origin[0]), self.origins[-1]
        )
        return messages.WORD_UNMAPPED.issue(
            f"The concept map '{name}' has no row for a word of the record.", mapping=where
        )

    def around(self, before: str, after: str) -> WordTable:
        """Return a table whose texts have something before and after."""
        rows = {word: f"{before}{text}{after}" for word, text in self.items()}
        return WordTable(rows, self.origins, self.parts)

    def and_then(self, other: WordTable) -> WordTable:
        """Return a table whose texts are those of both, for words that both have."""
        rows = {word: text + other[word] for word, text in self.items() if word in other}
        return WordTable(rows, self.origins + other.origins, self.parts)

    def or_nothing(self) -> WordTable:
        """Return a table that gives no text for a missing word."""
        return WordTable({None: "", **self}, self.origins)


@dataclass(frozen=True, slots=True)
class Text:
    """Constant JSON text."""

    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """A Python expression that gives JSON text, without single quotes and backslashes.

    `names` are the generated variables in it; `is_bound` where it reads an element of a list or
    the rule's own identity, so that it differs within one record.
    """

    expression: str
    names: frozenset[str] = frozenset()
    is_bound: bool = False

    @property
    def is_text(self) -> bool:
        """True where the expression is known to give text, not a number."""
        return self.expression.startswith("quoted(")


@dataclass(frozen=True, slots=True)
class ByWord:
    """The text that a table has for a word; `word` is the expression that gives the word."""

    word: str
    table: WordTable
    is_bound: bool = False


@dataclass(frozen=True, slots=True)
class OwnKey:
    """The owner and the key of the resource that is being made, as its identifier spells them."""

    variable: ClassVar[str] = "own_key"


@dataclass(frozen=True, slots=True)
class OwnId:
    """The logical id of the resource that is being made."""

    variable: ClassVar[str] = "i"


Chunk = Text | Code | ByWord | OwnKey | OwnId
Chunks = tuple[Chunk, ...]


def merged(chunks: Iterable[Chunk]) -> list[Chunk]:
    """Return chunks that give the same text with as few places as possible."""
    found: list[Chunk] = []
    for chunk in chunks:
        joined = _joined(found[-1], chunk) if found else None
        if joined is None:
            found.append(chunk)
        else:
            found[-1] = joined
    return found


def _joined(before: Chunk, after: Chunk) -> Chunk | None:
    if isinstance(before, Text) and isinstance(after, Text):
        return Text(before.text + after.text)
    if isinstance(before, Text) and isinstance(after, ByWord):
        return ByWord(after.word, after.table.around(before.text, ""), after.is_bound)
    if isinstance(before, ByWord) and isinstance(after, Text):
        return ByWord(before.word, before.table.around("", after.text), before.is_bound)
    if isinstance(before, ByWord) and isinstance(after, ByWord) and before.word == after.word:
        return ByWord(before.word, before.table.and_then(after.table), before.is_bound)
    return None


def looked_up_once(
    rows: Sequence[list[Chunk]], fresh: Callable[[], str]
) -> tuple[list[list[Chunk]], list[tuple[tuple[str, ...], str, WordTable]]]:
    """Return rows of chunks in which no word is looked up twice, and how each is before them.

    That is: the variables, the expression of the word, and the table that has a tuple of texts.
    """
    chunks = [chunk for row in rows for chunk in row if isinstance(chunk, ByWord)]
    tables: dict[str, dict[int, ByWord]] = {}
    for chunk in chunks:
        tables.setdefault(chunk.word, {})[id(chunk.table)] = chunk
    variables: dict[int, Code] = {}
    lookups = []
    for word, found in tables.items():
        if len(found) > 1:
            names = tuple(fresh() for _ in found)
            variables |= {
                key: Code(name, is_bound=True) for key, name in zip(found, names, strict=True)
            }
            lookups.append((names, word, _side_by_side([one.table for one in found.values()])))
    settled = [
        [variables.get(id(one.table), one) if isinstance(one, ByWord) else one for one in row]
        for row in rows
    ]
    return settled, lookups


def _side_by_side(tables: Sequence[WordTable]) -> WordTable:
    """Return a table that has for each word a tuple of what all of them have for it."""
    first = tables[0]
    rows: dict[Word, Any] = {
        word: tuple(table[word] for table in tables)
        for word in first
        if all(word in table for table in tables)
    }
    origins = tuple(origin for table in tables for origin in table.origins)
    return WordTable(rows, origins, first.parts)


def f_string(chunks: Iterable[Chunk], constant: Callable[[WordTable], str]) -> str:
    """Return the expression that gives the chunks' text; `constant` names a table."""
    row = merged(chunks)
    if len(row) == 1 and isinstance(row[0], Code) and row[0].is_text:
        return row[0].expression
    parts = []
    for chunk in row:
        if isinstance(chunk, Text):
            parts.append(escaped(chunk.text))
        elif isinstance(chunk, ByWord):
            parts.append(f"{{{constant(chunk.table)}[{chunk.word}]}}")
        elif isinstance(chunk, Code):
            parts.append(f"{{{chunk.expression}}}")
        else:
            parts.append(f"{{{chunk.variable}}}")
    return "f'" + "".join(parts) + "'"


def escaped(text: str) -> str:
    """Return text as the source of an f-string in single quotes."""
    text = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return text.replace("{", "{{").replace("}", "}}")
