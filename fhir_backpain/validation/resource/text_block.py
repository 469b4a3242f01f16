"""A stretch of the source of a text plan: its lines, and how long the text is that it accounts for.

A plan adds up the length of the text that its values need at least. Where the text is no longer,
it holds nothing else: no field twice, no escape, no white space.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

_INDENT = "    "


@dataclass(slots=True)
class Block:
    """Lines of source, each indented by four spaces, and the account of length and quotes.

    `length` and `quotes` are what is always there; `lengths` are sources of further lengths and
    `counts` of further quotes. `is_exact` says that a value must be the example's.
    """

    lines: list[str] = field(default_factory=list)
    length: int = 0
    quotes: int = 0
    lengths: list[str] = field(default_factory=list)
    counts: list[str] = field(default_factory=list)
    is_exact: bool = False

    def bind(self, variable: str, source: str) -> None:
        """Bind a variable."""
        self.lines.append(f"{_INDENT}{variable} = {source}\n")

    def ask(self, condition: str) -> None:
        """End the plan where a condition is not met."""
        self.lines.append(f"{_INDENT}if not ({condition}):\n{_INDENT}{_INDENT}return False\n")

    def repeat(self, item: str, values: str, inner: Block) -> None:
        """Take in a block for each of some values."""
        self.lines.append(f"{_INDENT}for {item} in {values}:\n")
        self.lines += _indented(inner.lines)
        self.lines.append(f"{_INDENT}{_INDENT}n += {inner.sum_of_lengths()}\n")
        self.counts.append(f"{inner.quotes} * len({values})")
        self.is_exact = self.is_exact or inner.is_exact

    def unless(self, condition: str, inner: Block, otherwise: str) -> None:
        """Take in the lines of a block for where a condition is not met, and one where it is."""
        self.lines.append(f"{_INDENT}if {condition}:\n{_INDENT}{_INDENT}{otherwise}\n")
        self.lines.append(f"{_INDENT}else:\n")
        self.lines += _indented(inner.lines)

    def sum_of_lengths(self) -> str:
        """Return the source of the length that is accounted for."""
        return " + ".join([str(self.length), *self.lengths])

    def sum_of_quotes(self) -> str:
        """Return the source of the number of quotes that are accounted for."""
        return " + ".join([str(self.quotes), *self.counts])


def _indented(lines: list[str]) -> list[str]:
    return [_INDENT + line.replace(f"\n{_INDENT}", f"\n{_INDENT}{_INDENT}") for line in lines]


def written_length(text: str) -> int:
    """Return the characters of a text in JSON, without its quotes, where it is written shortest.

    >>> written_length("a\\n")
    3
    """
    return len(msgspec.json.encode(text).decode()) - 2
