"""What PostgreSQL's errors mean to the outbox.

Only the kind of an error is told: texts of the server can hold values of rows, which may be
those of patients. What the server says to a connection that it refuses holds none.
"""

from __future__ import annotations

import psycopg
from psycopg import errors

from fhir_backpain.errors import OutboxError
from fhir_backpain.outbox.messages import (
    BUSY,
    CORRUPT,
    FULL,
    NOT_STORABLE,
    UNREACHABLE,
    UNWRITABLE,
)
from fhir_backpain.outcome import Message

# By SQLSTATE or its class (the first two characters); the longer one counts.
_MESSAGES: dict[str, Message] = {
    "08": UNREACHABLE, "28": UNREACHABLE, "3D": UNREACHABLE, "57P": UNREACHABLE,
    "53300": UNREACHABLE, "25006": UNREACHABLE,
    "40": BUSY, "55P03": BUSY, "57014": BUSY,
    "53100": FULL, "22": NOT_STORABLE, "XX001": CORRUPT, "XX002": CORRUPT,
}  # fmt: skip
_AGAIN = (errors.SerializationFailure, errors.DeadlockDetected)


def outbox_error(error: psycopg.Error, name: str) -> OutboxError:
    """Return what an error is to the callers of the outbox called `name`."""
    state = error.sqlstate or ""
    known = (_MESSAGES.get(state[:length]) for length in (5, 3, 2))
    message = next((one for one in known if one is not None), None)
    if message is None:
        message = _without_state(error) if not state else UNWRITABLE
    kind = f"{type(error).__name__} {state}".strip()
    return OutboxError(message.issue(f"The outbox {name} failed: {kind}."))


def connection_error(error: psycopg.Error, name: str) -> OutboxError:
    """Return the error of a connection that did not come about, with the server's reason."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[-1] if lines else type(error).__name__
    return OutboxError(UNREACHABLE.issue(f"The outbox {name} cannot be reached: {reason}"))


def is_ending(error: psycopg.Error) -> bool:
    """True where the server ends the connection, or takes none yet."""
    return (error.sqlstate or "").startswith("57P")


def is_worth_another_try(error: psycopg.Error) -> bool:
    """True where the server undid a transaction for the sake of another one."""
    return isinstance(error, _AGAIN)


def _without_state(error: psycopg.Error) -> Message:
    if isinstance(error, psycopg.DataError):
        return NOT_STORABLE
    return UNREACHABLE if isinstance(error, psycopg.OperationalError) else UNWRITABLE
