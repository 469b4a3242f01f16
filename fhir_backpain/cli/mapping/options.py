"""Options that several mapping commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from fhir_backpain.definitions.definitions import RELEASES
from fhir_backpain.mapping.files import is_mappings_folder
from fhir_backpain.mapping.release_delta import BASE_RELEASE

Command = TypeVar("Command", bound=Callable[..., Any])


def release_option(command: Command) -> Command:
    """Add --release, one FHIR release."""
    return click.option(
        "--release",
        type=click.Choice(RELEASES),
        default=BASE_RELEASE,
        show_default=True,
        help="FHIR release to map to.",
    )(command)


def home_of(file: Path, mappings: Path | None) -> Path | None:
    """Return the mappings folder to which a file belongs: as given, around it, or the shipped."""
    if mappings is not None:
        return mappings
    around = file.resolve().parent.parent
    return around if is_mappings_folder(around) else None
