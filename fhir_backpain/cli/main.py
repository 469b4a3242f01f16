"""The entry point: commands by name, errors as issues, exit codes that scripts can use."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import click

from fhir_backpain import __version__
from fhir_backpain.cli import messages
from fhir_backpain.cli.exit_codes import EXIT_CODE_HELP, ExitCode, exit_code_of
from fhir_backpain.cli.output import say, say_issues
from fhir_backpain.cli.settings_file import read_settings
from fhir_backpain.errors import BackpainError
from fhir_backpain.telemetry.fault import fault_lines
from fhir_backpain.telemetry.log_output import LogSettings, logging_to

COMMANDS = (
    "map", "validate", "sync", "pull", "status", "outbox", "serve", "access", "sandbox", "demo",
    "doctor", "mapping", "profiles", "followup", "protocol",
)  # fmt: skip


class Commands(click.Group):
    """Loads a command's module only when it is asked for, so that help is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the README."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"fhir_backpain.cli.{cmd_name}_command")
        command: click.Command = module.command
        _name_variables(command, f"FHIR_BACKPAIN_{cmd_name}")
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader of its output that went away (as `| head`) is no problem."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return ExitCode.DONE


def _name_variables(command: click.Command, prefix: str) -> None:
    """Give each option an environment variable: the words as they are typed, in capitals."""
    for option in command.params:
        if isinstance(option, click.Option):
            flag = max(option.opts, key=len).lstrip("-")
            option.envvar = f"{prefix}_{flag}".upper().replace("-", "_")
    if isinstance(command, click.Group):
        for name, part in command.commands.items():
            _name_variables(part, f"{prefix}_{name}")


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODE_HELP,
)
@click.version_option(__version__, prog_name="fhir-backpain")
@click.option(
    "--settings",
    type=click.Path(path_type=Path),
    envvar="FHIR_BACKPAIN_SETTINGS",
    help="TOML file with options of commands.",
)
@click.pass_context
def group(context: click.Context, settings: Path | None) -> None:
    """Carry back-pain care between clinic systems and FHIR servers, and lose nothing.

    \b
    Try it:
      fhir-backpain demo
      fhir-backpain map records.ndjson
      fhir-backpain sync scores.csv --feed scores.feed.yaml --server http://localhost:8080/fhir

    Each option can also be set by an environment variable, for example
    FHIR_BACKPAIN_SYNC_SERVER for --server of sync, or by a file with --settings.
    """
    if settings is not None:
        commands = context.command
        assert isinstance(commands, Commands)
        context.default_map = read_settings(
            settings, lambda name: commands.get_command(context, name)
        )


def main() -> None:
    """Run the command line; shows where it failed only if FHIR_BACKPAIN_DEBUG is set."""
    try:
        with logging_to(LogSettings()):  # other libraries would write to standard error
            code = group(standalone_mode=False)
    except click.exceptions.Abort:
        code = 130
    except click.ClickException as problem:
        problem.show()
        code = ExitCode.WRONG_USE
    except BackpainError as error:
        say_issues(error.issues)
        code = exit_code_of(error)
    except Exception as problem:
        code = _unexpected(problem)
    sys.exit(int(code or 0))


def _unexpected(problem: Exception) -> ExitCode:
    if os.environ.get("FHIR_BACKPAIN_DEBUG"):
        say(fault_lines(problem))
    kind = type(problem).__name__
    say_issues([messages.UNEXPECTED.issue(f"The program failed ({kind}).")])
    return ExitCode.INTERNAL
