"""What may be told of an exception: its kind, its place and our numbers, never its words.

The words of foreign exceptions can hold a record's values (``KeyError: 'John'``), and so can the
variables of a frame. Neither is looked at: names of classes, modules and functions are those of
programs, and the issues of our own exceptions are told by number alone.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Any

from fhir_backpain.errors import BackpainError

_MOST_PLACES = 30
_MOST_CAUSES = 8


def told_fault(error: BaseException) -> list[dict[str, Any]]:
    """Return the exception and what led to it, the last one first: `error`, `messages`, `at`.

    >>> told_fault(ValueError("John Doe"))
    [{'error': 'ValueError', 'at': []}]
    """
    return [_told(one) for one in _chain(error)]


def fault_lines(error: BaseException) -> str:
    """Return the same as lines for a person."""
    lines = []
    for one in told_fault(error):
        numbers = " ".join(one.get("messages", []))
        lines += [f"{one['error']} {numbers}".rstrip(), *(f"  at {place}" for place in one["at"])]
    return "\n".join(lines)


def numbers_of(error: BaseException) -> list[str]:
    """Return the numbers of the issues that an exception of ours carries, each once."""
    issues = error.issues if isinstance(error, BackpainError) else ()
    return list(dict.fromkeys(f"FBP-{issue.number}" for issue in issues))


def _told(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ != "builtins":
        name = f"{kind.__module__}.{name}"
    numbers = numbers_of(error)
    return {"error": name, **({"messages": numbers} if numbers else {}), "at": _places(error)}


def _places(error: BaseException) -> list[str]:
    """Return where it came from, the innermost place last."""
    places = [
        f"{frame.f_globals.get('__name__', '?')}:{line} {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    return places[-_MOST_PLACES:]


def _chain(error: BaseException) -> Iterator[BaseException]:
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting and len(found) < _MOST_CAUSES:
        one = waiting.pop(0)
        if one is None or any(one is known for known in found):
            continue
        found.append(one)
        waiting.append(one.__cause__ or (None if one.__suppress_context__ else one.__context__))
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
    yield from found
