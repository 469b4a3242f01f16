"""What a status or a broken connection means for what was sent: one table, no I/O.

*transient*: not applied, worth another try. *ambiguous*: may have been applied. *permanent*: the
same request fails again. *conflict*: another version is there. A request that only reads is never
ambiguous: asking again does no harm.
"""

from __future__ import annotations

from typing import Literal

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NewConnectionError,
    ProxyError,
)
from urllib3.exceptions import TimeoutError as PoolTimeoutError

from fhir_backpain.client.messages import (
    BROKEN_OFF,
    NOT_AUTHORISED,
    REDIRECTED,
    REFUSED,
    SERVER_FAILED,
    THROTTLED,
    TOO_SLOW,
    UNREACHABLE,
    UNTRUSTED,
    VERSION_CONFLICT,
)
from fhir_backpain.errors import (
    AmbiguousRemoteError,
    ConflictError,
    PermanentRemoteError,
    RemoteError,
    TransientRemoteError,
)
from fhir_backpain.outcome import Message

Kind = Literal["ok", "transient", "ambiguous", "permanent", "conflict"]

ERRORS: dict[Kind, type[RemoteError]] = {
    "transient": TransientRemoteError,
    "ambiguous": AmbiguousRemoteError,
    "permanent": PermanentRemoteError,
    "conflict": ConflictError,
}

# 408 may come from a proxy that has passed the request on; 501 and 505 say that it was not tried.
_STATUS_KINDS: dict[int, Kind] = {
    408: "ambiguous",
    409: "conflict",
    412: "conflict",
    423: "transient",
    425: "transient",
    429: "transient",
    501: "permanent",
    503: "transient",
    505: "permanent",
}
_MESSAGES: dict[int, Message] = {
    401: NOT_AUTHORISED,
    403: NOT_AUTHORISED,
    408: TOO_SLOW,
    409: VERSION_CONFLICT,
    412: VERSION_CONFLICT,
    429: THROTTLED,
    503: THROTTLED,
}


def classify_status(status: int, *, reads_only: bool) -> Kind:
    """Return what an HTTP status means for the request.

    >>> classify_status(502, reads_only=False), classify_status(502, reads_only=True)
    ('ambiguous', 'transient')
    """
    kind: Kind = _STATUS_KINDS.get(status) or _kind_of_family(status)
    return "transient" if reads_only and kind == "ambiguous" else kind


def message_of_status(status: int) -> Message:
    """Return the message for a status that is no success."""
    if 300 <= status < 400:
        return REDIRECTED
    return _MESSAGES.get(status) or (SERVER_FAILED if status >= 500 else REFUSED)


def classify_exception(error: BaseException, *, reads_only: bool) -> tuple[Kind, Message]:
    """Return what a failed exchange means: transient only where surely nothing was sent."""
    if isinstance(error, requests.exceptions.SSLError):
        return "transient", UNTRUSTED
    if _never_connected(error):
        return "transient", UNREACHABLE
    slow = isinstance(error, requests.exceptions.Timeout | TimeoutError | PoolTimeoutError)
    return "transient" if reads_only else "ambiguous", TOO_SLOW if slow else BROKEN_OFF


def _kind_of_family(status: int) -> Kind:
    if 200 <= status < 300:
        return "ok"
    if status >= 500 or status < 200:
        return "ambiguous"
    return "permanent"


def _never_connected(error: BaseException) -> bool:
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    if not isinstance(error, requests.exceptions.ConnectionError):
        return False
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    never = NewConnectionError | ConnectTimeoutError | ProxyError
    return isinstance(reason, HTTPError) and isinstance(reason, never)
