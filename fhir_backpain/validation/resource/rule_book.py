"""Every rule that a validator knows: resource types, profiles, extensions; each read once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from fhir_backpain.outcome import Issue
from fhir_backpain.validation.resource.base_rules import BaseRules, load_base_rules
from fhir_backpain.validation.resource.conformance import (
    Conformance,
    read_packages,
    shipped_package,
)
from fhir_backpain.validation.resource.element import Content
from fhir_backpain.validation.resource.profile_rules import ProfileReader

InnerCheck = Callable[[Any, tuple[str | int, ...]], list[Issue]]


class RuleBook:
    """The rules of R4 and of some packages of profiles.

    `check_inner` is set by the validator: it holds a resource within a resource against the
    rules of its own type and profiles.
    """

    check_inner: InnerCheck

    def __init__(self, conformance: Conformance) -> None:
        self.base: BaseRules = load_base_rules("R4")
        self.conformance = conformance
        self._reader = ProfileReader(self.base, conformance)
        self._profiles: dict[str, Content | None] = {}

    def profile(self, url: str) -> Content | None:
        """Return the rules of a profile, or None where its snapshot is not held."""
        plain = url.partition("|")[0]
        if plain not in self._profiles:
            found = self.conformance.profile(plain)
            is_there = found is not None and found.get("kind") != "logical"
            self._profiles[plain] = self._reader.read(found) if found and is_there else None
        return self._profiles[plain]

    def extension(self, url: Any) -> Content | None:
        """Return the rules of a known extension by its URL, or None."""
        found = self.conformance.profile(url) if isinstance(url, str) else None
        return self.profile(url) if found and found.get("type") == "Extension" else None


@cache
def load_rule_book(packages: tuple[Path, ...] = ()) -> RuleBook:
    """Return the rules of R4, of the shipped profiles and of further packages, read once.

    Raises ArtifactError where a package cannot be read.
    """
    return RuleBook(read_packages(_with_shipped(packages)))


def _with_shipped(packages: Iterable[Path]) -> list[Path]:
    shipped = shipped_package()
    return [*([shipped] if shipped.is_dir() else []), *packages]
