"""One interface for validation in three strengths.

- ``builtin``: R4, the shipped profiles and further ones, compiled; for every resource
- ``models``: the same, then a parse by fhir.resources
- ``hl7``: HL7's own validator, in one warm Java process
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from fhir_backpain.outcome import Issue
from fhir_backpain.validation.models import ModelsValidator
from fhir_backpain.validation.resource.validator import BuiltInValidator

Strength = Literal["builtin", "models", "hl7"]
STRENGTHS: tuple[Strength, ...] = get_args(Strength)


class ResourceValidator(Protocol):
    """What every strength can do."""

    def validate(self, resource: Any) -> list[Issue]:
        """Return every problem of a resource: JSON data, or its text as str or bytes.

        An empty list is good, and so is one without errors. Each issue names its place by
        FHIRPath, where there is one, and repeats no value.
        """
        ...


@contextmanager
def open_validator(
    strength: Strength = "builtin",
    *,
    packages: Iterable[Path] = (),
    profiles: Sequence[str] = (),
    show_values: bool = False,
) -> Iterator[ResourceValidator]:
    """Give a validator for the length of a `with` block.

    `packages` are folders or package files (.tgz) of profiles beside the shipped ones; `profiles`
    are URLs that every resource of their type is held against, beside those it claims.
    `show_values` lets HL7's validator speak in its own words, which quote values. Raises
    ArtifactError for an unreadable package, CounterpartError where HL7's validator cannot run.
    """
    if strength == "builtin":
        yield BuiltInValidator(packages, profiles)
    elif strength == "models":
        yield ModelsValidator(packages, profiles)
    else:
        # Imported here: its locks are those of POSIX, which the other strengths do not need.
        from fhir_backpain.validation.official import OfficialValidator

        with OfficialValidator(packages, profiles, show_values=show_values) as official:
            yield official
