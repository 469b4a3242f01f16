"""Finds where each JSON value of a stream ends, by brackets and quotes, without parsing it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from fhir_backpain.sources.byte_cursor import ByteCursor

_PLAIN = re.compile(rb'(?:[^"\[\]{}]++|"[^"\\]*+")*+')  # up to a bracket, or a text with escapes
_INSIDE = re.compile(rb'["\\]')
_BARE = re.compile(rb'[^ \t\r\n,\[\]{}"]+')
_CLOSER = {ord("{"): ord("}"), ord("["): ord("]")}
_MAX_OPEN = 1_000_000
_MAX_BARE = 4096


@dataclass(slots=True)
class Piece:
    """The text of one value, where it begins, and whether its end was found.

    `text` is None where the value is larger than allowed; `lost` is true where it has so many
    open brackets that its end is not looked for any more.
    """

    line: int
    column: int
    text: bytes | None
    complete: bool
    lost: bool = False


@dataclass(slots=True)
class _Walk:
    """The state of a walk through one value."""

    limit: int
    held: list[bytes] = field(default_factory=list)
    size: int = 0
    open: bytearray = field(default_factory=bytearray)
    in_string: bool = False
    after_backslash: bool = False

    def hold(self, part: bytes) -> None:
        """Keep a part of the value, or none of it once it is too large."""
        self.size += len(part)
        if self.size <= self.limit:
            self.held.append(part)
        else:
            self.held.clear()

    def text(self) -> bytes | None:
        """The whole value, None where it was too large to be held."""
        return b"".join(self.held) if self.size <= self.limit else None


def take_value(cursor: ByteCursor, limit: int) -> Piece:
    """Pass the value that begins at the cursor and return it.

    A bracket that closes an outer level ends all levels inside it, so that one broken value
    does not swallow its neighbours; such a value never parses, since it is not balanced.
    """
    line, column = cursor.line, cursor.column
    walk = _Walk(limit)
    first = cursor.window[cursor.at : cursor.at + 1]
    if first not in (b"{", b"[", b'"'):
        return Piece(line, column, _bare(cursor), complete=True)
    if first == b'"':
        walk.in_string = True
        walk.hold(first)
        cursor.move_to(cursor.at + 1)
    while True:
        end = _end(cursor.window, cursor.at, walk)
        part = cursor.window[cursor.at : len(cursor.window) if end is None else end]
        walk.hold(part)
        cursor.move_to(cursor.at + len(part))
        if end is not None or len(walk.open) > _MAX_OPEN:
            return Piece(line, column, walk.text(), complete=True, lost=end is None)
        if not cursor.refill():
            return Piece(line, column, walk.text(), complete=False)


def _bare(cursor: ByteCursor) -> bytes:
    word = _BARE.match(cursor.window, cursor.at)
    while word and word.end() == len(cursor.window) and len(word.group()) < _MAX_BARE:
        more = cursor.refill()
        word = _BARE.match(cursor.window, cursor.at)
        if not more:
            break
    text = word.group() if word else cursor.window[cursor.at : cursor.at + 1]
    cursor.move_to(cursor.at + len(text))
    return text


def _end(window: bytes, at: int, walk: _Walk) -> int | None:
    """Return where the value ends in the window, None where it goes on behind the window."""
    while len(walk.open) <= _MAX_OPEN:
        if walk.in_string:
            at = _in_string(window, at, walk)
            if not walk.in_string and not walk.open:
                return at
        else:
            plain = _PLAIN.match(window, at)
            at = plain.end() if plain else at
        if at >= len(window):
            return None
        if not walk.in_string:
            at += 1
            end = _bracket(window[at - 1], at, walk)
            if end is not None:
                return end
    return None


def _in_string(window: bytes, at: int, walk: _Walk) -> int:
    if walk.after_backslash:
        walk.after_backslash = False
        return at + 1
    mark = _INSIDE.search(window, at)
    if mark is None:
        return len(window)
    walk.after_backslash = mark.group() == b"\\"
    walk.in_string = walk.after_backslash
    return mark.end()


def _bracket(char: int, at: int, walk: _Walk) -> int | None:
    """Open or close a level; return the value's end where this character ends it."""
    if char == ord('"'):
        walk.in_string = True
    elif char in _CLOSER:
        walk.open.append(_CLOSER[char])
    elif (level := walk.open.rfind(char)) >= 0:
        del walk.open[level:]
        return None if walk.open else at
    elif char == ord("]"):  # it closes the list that the value stands in
        return at - 1
    return None
