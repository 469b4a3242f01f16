"""What can be wrong with a JSON text, and the places of its values."""

from __future__ import annotations

from collections.abc import Sequence

from fhir_backpain.outcome import Issue, Message, SourceLocation

JSON_SYNTAX = Message(
    2001, "structure", "Not JSON", "Correct the text at that place and send it again.",
)  # fmt: skip
JSON_DUPLICATE = Message(
    2002, "duplicate", "A field is given twice", "Keep one of the two fields.",
)  # fmt: skip
JSON_NUMBER = Message(
    2003, "value", "Not a usable number",
    "Write a plain decimal number, such as 7 or 7.50, or leave the field out.",
)  # fmt: skip
JSON_CHARACTER = Message(
    2004, "value", "A character that is not text", "Remove the character from the text.",
)  # fmt: skip
JSON_DEPTH = Message(
    2005, "too-costly", "Nested too deeply", "Flatten the data: no record needs so many levels.",
)  # fmt: skip
JSON_SIZE = Message(
    2006, "too-long", "Too large", "Split the data into smaller records, or raise the limit.",
)  # fmt: skip
NOT_UTF8 = Message(
    2007, "structure", "Not UTF-8", "Save the data as UTF-8 and send it again.",
)  # fmt: skip

_MAX_POINTER = 500


class JsonFaultError(Exception):
    """The first problem of a JSON text: its kind, where it is and what was expected there."""

    def __init__(self, message: Message, text: str, offset: int, path: Sequence[str | int]) -> None:
        super().__init__(text)
        self.message = message
        self.text = text
        self.offset = offset
        self.path = tuple(path)

    def issue(self, text: str, start: SourceLocation) -> Issue:
        """Return the issue; `start` is the place of the JSON text's first character."""
        line, column = position(text, self.offset)
        place = shift(start, line, column).at(pointer=short_pointer(self.path))
        return self.message.issue(self.text, source=place)


def pointer_of(path: Sequence[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) of the value at `path`."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def short_pointer(path: Sequence[str | int]) -> str:
    """Return the pointer of the value at `path`, or of the nearest parent with a readable one."""
    pointer = pointer_of(path)
    while len(pointer) > _MAX_POINTER:
        path = path[:-1]
        pointer = pointer_of(path)
    return pointer


def path_of(pointer: str) -> list[str]:
    """Return the steps of a JSON pointer; list indexes stay texts."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def position(text: str, offset: int) -> tuple[int, int]:
    """Return the 1-based line and column of the character at `offset`."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def shift(start: SourceLocation, line: int, column: int) -> SourceLocation:
    """Return the place in the file of `line` and `column` of a text that begins at `start`."""
    if line > 1:
        return start.at(line=(start.line or 1) + line - 1, column=column)
    return start.at(line=start.line or 1, column=(start.column or 1) + column - 1)
