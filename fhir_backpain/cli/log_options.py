"""--log, --log-level and --log-form: what a command tells of its work while it runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, get_args

import click

from fhir_backpain import __version__
from fhir_backpain.cli.exit_codes import ExitCode, exit_code_of
from fhir_backpain.cli.options import base_url_of
from fhir_backpain.client.base_url import parse_base_url
from fhir_backpain.errors import BackpainError, SettingsError
from fhir_backpain.outbox.opening import shown_place
from fhir_backpain.telemetry.event import Field, log
from fhir_backpain.telemetry.fault import numbers_of
from fhir_backpain.telemetry.log_output import Form, Level, LogSettings, logging_to

Command = Callable[..., Any]

_logger = logging.getLogger(__name__)
# What may be shown of a command's options. Names of files are not: they may name patients.
_SHOWN = (
    "bundle_size", "patience", "retire", "allow_patient_data", "full_feed",
    "retire_at_most", "on_conflict", "overlap", "follow", "interval", "host", "port", "public_url",
)  # fmt: skip


def log_options(target: str | None = None) -> Callable[[Command], Command]:
    """Add the options to a command; without --log its log goes to `target`, or nowhere."""

    def added(command: Command) -> Command:
        @wraps(command)
        def logged(
            *arguments: Any, log: str | None, log_level: Level, log_form: Form, **others: Any
        ) -> Any:
            with logging_to(LogSettings(log, log_level, log_form)), _told():
                return command(*arguments, **others)

        result: Command = logged
        for option in _options(target):
            result = option(result)
        return result

    return added


def _options(target: str | None) -> tuple[Callable[[Command], Command], ...]:
    return (
        click.option(
            "--log-form",
            default="json",
            show_default=True,
            type=click.Choice(get_args(Form)),
            help="How a log line looks.",
        ),
        click.option(
            "--log-level",
            default="info",
            show_default=True,
            type=click.Choice(get_args(Level)),
            help="The least that is logged.",
        ),
        click.option(
            "--log",
            default=target,
            show_default=True,
            metavar="FILE|-",
            help="Log to the end of a file, or to standard error (-); no value of a patient is "
            "in it.",
        ),
    )


@contextmanager
def _told() -> Iterator[None]:
    """Log the start and the end of the command that runs."""
    context, begun = click.get_current_context(), time.monotonic()
    command = context.info_name
    settings = _settings(context)
    log(_logger, logging.INFO, "started", None, command=command, version=__version__, **settings)
    code: int = ExitCode.INTERNAL
    messages: list[str] = []
    try:
        yield
        code = ExitCode.DONE
    except click.exceptions.Exit as ended:
        code = ended.exit_code
        raise
    except BackpainError as error:
        code, messages = exit_code_of(error), numbers_of(error)
        raise
    except click.ClickException:
        code = ExitCode.WRONG_USE
        raise
    except Exception as error:
        log(_logger, logging.ERROR, "fault", error, command=command)
        raise
    finally:
        seconds = round(time.monotonic() - begun, 3)
        log(
            _logger, logging.INFO, "ended", command=command, code=int(code), seconds=seconds,
            messages=messages or None,
        )  # fmt: skip


def _settings(context: click.Context) -> dict[str, Field]:
    given = context.params
    shown = {name: given[name] for name in _SHOWN if given.get(name) is not None}
    files = given.get("files")
    return {
        **shown,
        "server": _server(given.get("server")),
        "outbox": _outbox(given.get("outbox")),
        "files": None if files is None else len(files),
    }


def _server(given: str | None) -> str | None:
    """Return the base URL, unless it is wrong: then it may hold anything."""
    try:
        return None if given is None else parse_base_url(base_url_of(given))
    except SettingsError:
        return None


def _outbox(given: Path | str | None) -> str | None:
    try:
        return None if given is None else shown_place(given)
    except SettingsError:
        return None
