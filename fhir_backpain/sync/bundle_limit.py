"""How many entries a server takes in a Bundle: told by it, or learned from a refusal."""

from __future__ import annotations

import re

from fhir_backpain.errors import PermanentRemoteError, RemoteError

_TOO_LARGE = frozenset(("too-long", "too-costly"))
_WORDS = r"(?:too many|more than|at most|exceed\w*|maximum|limit\w*)"
_TELLING = re.compile(_WORDS, re.IGNORECASE)
_NUMBER = re.compile(_WORDS + r"\D{0,60}?([0-9]{1,6})\b", re.IGNORECASE)
_COUNTED = re.compile(r"\b(?:entr(?:y|ies)|resources|bundle|batch|transaction)\b", re.IGNORECASE)
_REFUSALS = frozenset((400, 413, 422))


class BundleLimit:
    """The limit of one server, as far as it is known; shared by all deliveries to it.

    `told` is the number that the server named. Where it named none, half of what was refused is
    tried, for as long as the process lasts: it may have been the bytes that were too many.
    """

    def __init__(self, told: int | None = None) -> None:
        self.told = self.entries = told

    def within(self, wished: int) -> int:
        """Return the entries to send, at most `wished`."""
        return wished if self.entries is None else max(1, min(wished, self.entries))

    def learn(self, error: RemoteError, sent: int) -> bool:
        """Take note of a refusal of `sent` entries; False where it was not for their number."""
        if sent < 2 or not is_too_large(error):
            return False
        told = [number for number in _numbers(error) if 0 < number < sent]
        self.told = max(told, default=self.told)
        self.entries = max(told, default=sent // 2)
        return True


def is_too_large(error: RemoteError) -> bool:
    """True where a Bundle was refused for its size."""
    if not isinstance(error, PermanentRemoteError):
        return False
    if error.status == 413 or any(issue.code in _TOO_LARGE for issue in error.issues):
        return True
    return error.status in _REFUSALS and any(
        _TELLING.search(issue.text) and _COUNTED.search(issue.text) for issue in error.issues
    )


def _numbers(error: RemoteError) -> list[int]:
    return [int(found[1]) for issue in error.issues for found in _NUMBER.finditer(issue.text)]
