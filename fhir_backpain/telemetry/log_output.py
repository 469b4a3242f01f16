"""Where log lines go, from when to when."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from logging.handlers import WatchedFileHandler
from typing import Literal

from fhir_backpain.errors import SettingsError
from fhir_backpain.telemetry.event import TREE
from fhir_backpain.telemetry.log_form import JsonForm, TextForm, is_ours
from fhir_backpain.telemetry.messages import LOG_UNWRITABLE

Level = Literal["debug", "info", "warning", "error"]
Form = Literal["json", "text"]

STDERR = "-"


@dataclass(frozen=True, slots=True)
class LogSettings:
    """`target` is a file, ``-`` for standard error, or None for no log at all."""

    target: str | None = None
    level: Level = "info"
    form: Form = "json"


@contextmanager
def logging_to(settings: LogSettings) -> Iterator[None]:
    """Write log lines within the block; SettingsError where the file cannot be opened.

    A file may be moved away by a log rotation: a new one is begun. Of other libraries, warnings
    and errors are noted without their texts; without a target they are not shown either.
    """
    root, own = logging.getLogger(), logging.getLogger(TREE)
    handler = _handler(settings)
    level = own.level
    root.addHandler(handler)
    if settings.target is not None:
        own.setLevel(settings.level.upper())
    try:
        yield
    finally:
        root.removeHandler(handler)
        own.setLevel(level)
        handler.close()


def _handler(settings: LogSettings) -> logging.Handler:
    if settings.target is None:
        return logging.NullHandler()
    handler: logging.Handler
    if settings.target == STDERR:
        handler = _StreamOutput(sys.stderr)
    else:
        try:
            handler = _FileOutput(settings.target, encoding="utf-8")
        except OSError as error:
            text = f"The log {settings.target} cannot be opened ({error.strerror})."
            raise SettingsError(LOG_UNWRITABLE.issue(text)) from None
    handler.setFormatter(JsonForm() if settings.form == "json" else TextForm())
    least = getattr(logging, settings.level.upper())
    handler.addFilter(lambda one: one.levelno >= (least if is_ours(one) else logging.WARNING))
    return handler


class _Quiet(logging.Handler):
    """Goes on where a line cannot be written: work is not stopped by a full disk of logs."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Say nothing: what logging would write holds the variables of frames."""


class _StreamOutput(_Quiet, logging.StreamHandler):  # type: ignore[type-arg]
    """Lines to standard error."""


class _FileOutput(_Quiet, WatchedFileHandler):
    """Lines at the end of a file."""
