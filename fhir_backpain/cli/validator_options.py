"""The options by which a command chooses a validator of resources."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from fhir_backpain.validation.strength import (
    STRENGTHS,
    ResourceValidator,
    Strength,
    open_validator,
)

_OPTIONS = (
    click.option(
        "--show-values",
        is_flag=True,
        help="Let HL7's validator quote values: not where they are a patient's.",
    ),
    click.option(
        "--us-core",
        type=click.Path(path_type=Path, exists=True),
        metavar="FILE",
        help="The package of US Core, as published (.tgz).",
    ),
    click.option(
        "--ig",
        "igs",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FOLDER|PACKAGE.tgz",
        help="Further profiles; may be given again.",
    ),
    click.option(
        "--profile",
        "profiles",
        multiple=True,
        metavar="URL",
        help="Profile to hold every resource of its type against; may be given again.",
    ),
    click.option(
        "--with",
        "strength",
        type=click.Choice(STRENGTHS),
        default="builtin",
        show_default=True,
        help="Which validator looks at resources.",
    ),
)


@dataclass(frozen=True, slots=True)
class ValidatorChoice:
    """Which validator a command was asked for, and with which profiles."""

    strength: Strength
    packages: tuple[Path, ...]
    profiles: tuple[str, ...]
    show_values: bool

    def open(self) -> AbstractContextManager[ResourceValidator]:
        """Give the validator for the length of a `with` block."""
        return open_validator(
            self.strength,
            packages=self.packages,
            profiles=self.profiles,
            show_values=self.show_values,
        )


def validator_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --with, --profile, --ig, --us-core and --show-values, which come as `choice`."""

    @wraps(command)
    def gathered(
        *arguments: Any,
        strength: Strength,
        profiles: tuple[str, ...],
        igs: tuple[Path, ...],
        us_core: Path | None,
        show_values: bool,
        **others: Any,
    ) -> Any:
        packages = (*([us_core] if us_core else []), *igs)
        choice = ValidatorChoice(strength, packages, profiles, show_values)
        return command(*arguments, choice=choice, **others)

    for option in _OPTIONS:
        gathered = option(gathered)
    return gathered
