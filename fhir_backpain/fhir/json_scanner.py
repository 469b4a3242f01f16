"""A slow, exact walk through a JSON text: used only to say what is wrong, or where a value is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from fhir_backpain.fhir.json_fault import (
    JSON_CHARACTER,
    JSON_DEPTH,
    JSON_DUPLICATE,
    JSON_NUMBER,
    JSON_SYNTAX,
    JsonFaultError,
)
from fhir_backpain.fhir.json_number import any_decimal, any_integer, decimal, integer
from fhir_backpain.outcome import Message

_SPACE = re.compile(r"[ \t\n\r]*")
_PLAIN = re.compile(r'[^"\\\x00-\x1f\ud800-\udfff]*')
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_NUMBER_LIKE = re.compile(r"[-+.]?[0-9][-+.0-9A-Za-z]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)((?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)")
_WORD = re.compile(r"-?[A-Za-z]+")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_NOT_A_NUMBER = ("nan", "infinity", "-infinity", "-nan", "inf", "-inf")


class _FoundError(Exception):
    """The value that was looked for begins here."""


class JsonScanner:
    """One walk through one text; `path` names the value that the walk has reached."""

    def __init__(
        self,
        text: str,
        max_depth: int,
        target: Sequence[str] | None = None,
        *,
        every_number: bool = False,
    ) -> None:
        self._text = text
        self._max_depth = max_depth
        self._integer = any_integer if every_number else integer
        self._decimal = any_decimal if every_number else decimal
        self._target = list(target) if target is not None else None
        self._at = 0
        self._depth = 0
        self._path: list[str | int] = []

    def fault(self) -> JsonFaultError | None:
        """Return the first problem of the text, or None where it is strict JSON."""
        try:
            self._value()
            self._space()
            if self._at < len(self._text):
                self._fail("Nothing may follow the end of the JSON value.")
        except JsonFaultError as fault:
            return fault
        return None

    def find(self) -> int | None:
        """Return the offset of the target, or None where the walk does not come to it."""
        try:
            self._value()
        except _FoundError:
            return self._at
        except JsonFaultError:
            return None
        return None

    def _value(self) -> None:
        self._space()
        if self._target is not None and self._target == [str(step) for step in self._path]:
            raise _FoundError
        char = self._peek()
        if char == "{":
            self._object()
        elif char == "[":
            self._array()
        elif char == '"':
            self._string()
        else:
            self._scalar()

    def _object(self) -> None:
        self._enter()
        names: set[str] = set()
        if self._taken("}"):
            self._depth -= 1
            return
        while True:
            self._name(names)
            self._value()
            self._path.pop()
            if self._ends("}"):
                return

    def _name(self, names: set[str]) -> None:
        self._space()
        start = self._at
        if self._peek() != '"':
            self._fail("A field name in double quotes is expected.")
        name = self._string()
        if name in names:
            self._path.append(name)
            self._fail("The field is given twice in the same object.", JSON_DUPLICATE, start)
        names.add(name)
        if not self._taken(":"):
            self._fail("A colon is expected after the field name.")
        self._path.append(name)

    def _array(self) -> None:
        self._enter()
        if self._taken("]"):
            self._depth -= 1
            return
        index = 0
        while True:
            self._path.append(index)
            self._value()
            self._path.pop()
            index += 1
            if self._ends("]"):
                return

    def _enter(self) -> None:
        if self._depth == self._max_depth:
            self._fail(f"There are more than {self._max_depth} levels.", JSON_DEPTH)
        self._depth += 1
        self._at += 1

    def _ends(self, closer: str) -> bool:
        if self._taken(closer):
            self._depth -= 1
            return True
        if not self._taken(","):
            what = "object" if closer == "}" else "list"
            self._fail(f"A comma or the {what}'s closing {closer} is expected.")
        self._space()
        if self._peek() == closer:
            self._fail(f"No comma may stand before the closing {closer}.")
        return False

    def _string(self) -> str:
        start = self._at
        self._at += 1
        parts: list[str] = []
        while True:
            plain = _PLAIN.match(self._text, self._at)
            if plain:
                parts.append(plain.group())
                self._at = plain.end()
            char = self._peek()
            if char == '"':
                self._at += 1
                return "".join(parts)
            if char == "\\":
                parts.append(self._escape())
            else:
                self._bad_character(char, start)

    def _bad_character(self, char: str, start: int) -> NoReturn:
        if not char:
            self._fail("The closing quote of this text is missing.", at=start)
        if "\ud800" <= char <= "\udfff":
            self._fail("Half of a surrogate pair is not a character.", JSON_CHARACTER)
        if char in "\r\n":
            self._fail("The line ends inside a text: a quote is missing, or \\n is meant.")
        name = "NUL" if char == "\0" else f"U+{ord(char):04X}"
        self._fail(f"The control character {name} stands inside a text.", JSON_CHARACTER)

    def _escape(self) -> str:
        start = self._at
        kind = self._text[start + 1 : start + 2]
        if kind != "u":
            if kind not in _ESCAPES or not kind:
                self._fail("A backslash begins no escape that JSON knows.")
            self._at += 2
            return _ESCAPES[kind]
        unit = self._unit()
        if unit == 0:
            self._fail("The character NUL is not text.", JSON_CHARACTER, start)
        if 0xD800 <= unit < 0xDC00 and self._text.startswith("\\u", self._at):
            low = self._unit()
            if 0xDC00 <= low < 0xE000:
                return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
        if 0xD800 <= unit < 0xE000:
            self._fail("Half of a surrogate pair is not a character.", JSON_CHARACTER, start)
        return chr(unit)

    def _unit(self) -> int:
        digits = _HEX.match(self._text, self._at + 2)
        if not digits:
            self._fail("\\u must be followed by four hexadecimal digits.")
        self._at = digits.end()
        return int(digits.group(), 16)

    def _scalar(self) -> None:
        word = _WORD.match(self._text, self._at)
        if word and word.group() in ("true", "false", "null"):
            self._at = word.end()
        elif word and word.group().lower() in _NOT_A_NUMBER:
            self._fail("JSON knows neither NaN nor Infinity.", JSON_NUMBER)
        elif _NUMBER_LIKE.match(self._text, self._at):
            self._number()
        else:
            self._not_a_value()

    def _number(self) -> None:
        number = _NUMBER.match(self._text, self._at)
        like = _NUMBER_LIKE.match(self._text, self._at)
        if not number or not like or number.end() != like.end():
            self._fail("This is not how JSON writes a number.", JSON_NUMBER)
        try:
            (self._decimal if number.group(1) else self._integer)(number.group())
        except ValueError as error:
            self._fail(str(error), JSON_NUMBER)
        self._at = number.end()

    def _not_a_value(self) -> NoReturn:
        char = self._peek()
        if not char:
            self._fail("The text ends before the JSON is complete.")
        if char == "'":
            self._fail("Texts stand in double quotes, not in single ones.")
        if char in "/#":
            self._fail("JSON has no comments.")
        self._fail("A value is expected: a text in double quotes, number, list or object.")

    def _taken(self, char: str) -> bool:
        self._space()
        if self._peek() != char:
            return False
        self._at += 1
        return True

    def _space(self) -> None:
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _fail(self, text: str, message: Message = JSON_SYNTAX, at: int | None = None) -> NoReturn:
        offset = self._at if at is None else at
        if message is JSON_SYNTAX and at is None and offset >= len(self._text):
            text = "The text ends before the JSON is complete."
        raise JsonFaultError(message, text, offset, self._path)
