"""How commands speak: data on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from typing import Any

import click

from fhir_backpain.outcome import Issue

_COLOURS = {"fatal": "red", "error": "red", "warning": "yellow", "information": "blue"}


def say(text: str) -> None:
    """Write a line for a person."""
    click.echo(text, err=True)


def say_issues(issues: Iterable[Issue]) -> None:
    """Write issues, one line each, coloured on a terminal."""
    for issue in issues:
        click.echo(click.style(str(issue), fg=_COLOURS[issue.severity]), err=True)


def put_json(data: Any) -> None:
    """Write the result of a command for a program: one JSON document."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    # A file's name may be no Unicode text; what cannot be encoded becomes a JSON escape.
    click.echo(text.encode("utf-8", "backslashreplace").decode())


class ProgressBar:
    """A progress bar on a terminal; elsewhere a line at most every five seconds."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._is_terminal = sys.stderr.isatty()
        self._next = time.monotonic() + 5.0

    def advanced(self, done: int, total: int, rate: float) -> None:
        """Show that `done` of `total` records are through, at `rate` a second."""
        line = f"{self._label} {done}/{total} records, {rate:.0f}/s"
        if self._is_terminal:
            filled = 30 * done // max(total, 1)
            click.echo(f"\r[{'#' * filled}{'.' * (30 - filled)}] {line} ", nl=False, err=True)
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + 5.0
            say(line)

    def close(self) -> None:
        """End the bar's line."""
        if self._is_terminal:
            click.echo("", err=True)
