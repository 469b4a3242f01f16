"""A settings file: options of commands, written down once in TOML.

A table for each command, an entry for each option, as it is typed::

    [serve]
    server = "https://fhir.clinic.example/r4"
    outbox = "/var/lib/fhir-backpain/outbox.sqlite"
    public-url = "https://gateway.clinic.example"

    [outbox.list]
    limit = 20

What is typed comes before the environment, that before the file, and the file before the defaults.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from fhir_backpain.cli.messages import SETTINGS_UNREADABLE
from fhir_backpain.errors import SettingsError

Defaults = dict[str, Any]


def read_settings(path: Path, find: Callable[[str], click.Command | None]) -> Defaults:
    """Return the defaults that a file gives, in the form that click has them.

    `find` gives the command of a name. SettingsError for a file that cannot be read, and for a
    table or an entry that is no command or option.
    """
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _problem(f"{path} cannot be read ({error.strerror}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _problem(f"{path} is no TOML: {error}") from error
    return {name: _defaults(find(name), part, name) for name, part in tree.items()}


def _defaults(command: click.Command | None, tree: Any, place: str) -> Defaults:
    """Return the defaults of one command; those of commands below it are tables of their own."""
    if command is None or not isinstance(tree, dict):
        raise _problem(f"[{place}] is no command.")
    options = {
        max(option.opts, key=len).lstrip("-"): option
        for option in command.params
        if isinstance(option, click.Option)
    }
    below = command.commands if isinstance(command, click.Group) else {}
    found: Defaults = {}
    for name, value in tree.items():
        if isinstance(value, dict) and name in below:
            found[name] = _defaults(below[name], value, f"{place}.{name}")
        elif name in options and not isinstance(value, dict):
            found[str(options[name].name)] = value
        else:
            near = get_close_matches(name, [*options, *below], 1)
            guess = f"; did you mean '{near[0]}'?" if near else "."
            raise _problem(f"[{place}] has an entry '{name}', which is no option{guess}")
    return found


def _problem(text: str) -> SettingsError:
    return SettingsError(SETTINGS_UNREADABLE.issue(text))
