"""Exit codes that scripts can use; the one place that decides them."""

from __future__ import annotations

from enum import IntEnum

from fhir_backpain.errors import (
    BackpainError,
    MappingFailed,
    OutboxError,
    RemoteError,
    SourceError,
    ValidationFailed,
)


class ExitCode(IntEnum):
    """What a command came to."""

    DONE = 0
    DATA_PROBLEMS = 1
    WRONG_USE = 2
    SERVER_UNAVAILABLE = 3
    SERVER_REJECTED = 4
    OUTBOX_UNUSABLE = 5
    INTERNAL = 70


EXIT_CODE_HELP = """\b
Exit codes:
  0   done, everything accounted for
  1   records were rejected, or columns are not accounted for
  2   wrong arguments, settings or mapping files
  3   the server cannot be reached or asks to wait; run again to go on
  4   the server rejected records, or a conflict waits for a person
  5   the outbox cannot be used
  70  a fault of the program"""


def exit_code_of(error: BackpainError) -> ExitCode:
    """Return the exit code of an error that ended a command."""
    if isinstance(error, OutboxError):
        return ExitCode.OUTBOX_UNUSABLE
    if isinstance(error, RemoteError):
        return ExitCode.SERVER_UNAVAILABLE
    if isinstance(error, (SourceError, MappingFailed, ValidationFailed)):
        return ExitCode.DATA_PROBLEMS
    return ExitCode.WRONG_USE
