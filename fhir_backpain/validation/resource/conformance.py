"""The conformance resources that a validator knows: profiles, extensions, value sets.

FHIR: StructureDefinition and ValueSet, http://hl7.org/fhir/R4/profiling.html
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

from fhir_backpain.artifacts.finder import profiles_folder
from fhir_backpain.errors import ArtifactError
from fhir_backpain.validation.resource.messages import PACKAGE_UNREADABLE

_KEPT = ("StructureDefinition", "ValueSet", "CodeSystem")
_BASE = "http://hl7.org/fhir/StructureDefinition/"

Resource = dict[str, Any]


class Conformance:
    """The conformance resources of some packages, by canonical URL; later ones win."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._resources = {one["url"]: one for one in resources if one.get("url")}

    def find(self, kind: str, url: str) -> Resource | None:
        """Return the resource of a kind at a canonical URL, with or without version, or None."""
        found = self._resources.get(url.partition("|")[0])
        return found if found and found["resourceType"] == kind else None

    def profile(self, url: str) -> Resource | None:
        """Return the StructureDefinition at a URL where it has a snapshot, or None."""
        found = self.find("StructureDefinition", url)
        return found if found and found.get("snapshot") else None

    def profiles(self) -> tuple[str, ...]:
        """Return the URLs of the profiles of resources, sorted."""
        return tuple(
            sorted(
                url
                for url, one in self._resources.items()
                if one["resourceType"] == "StructureDefinition"
                and one.get("kind") == "resource"
                and one.get("derivation") == "constraint"
            )
        )

    def type_of(self, url: str) -> str | None:
        """Return the resource type that a profile URL stands for, or None where it is unknown."""
        plain = url.partition("|")[0]
        if plain.startswith(_BASE):
            return plain.removeprefix(_BASE)
        found = self.find("StructureDefinition", plain)
        return str(found["type"]) if found else us_core_type(plain)

    def ancestors(self, url: str) -> Iterator[str]:
        """Yield the profiles that a profile builds on, as far as they are known."""
        found = self.find("StructureDefinition", url)
        while found is not None and found.get("baseDefinition"):
            base = str(found["baseDefinition"]).partition("|")[0]
            yield base
            found = self.find("StructureDefinition", base)


def us_core_type(url: str) -> str | None:
    """Return the resource type of a profile of US Core 6.1.0, or None."""
    facts = us_core()
    prefix = f"{facts['canonical']}/StructureDefinition/"
    return facts["profiles"].get(url.removeprefix(prefix)) if url.startswith(prefix) else None


def us_core_codes(url: str) -> dict[str, list[str]] | None:
    """Return system -> codes of a value set of US Core that a required binding uses, or None."""
    facts = us_core()
    prefix = f"{facts['canonical']}/ValueSet/"
    return facts["valueSets"].get(url.removeprefix(prefix)) if url.startswith(prefix) else None


@cache
def us_core() -> dict[str, Any]:
    """Return what our profiles need of US Core, whose package is not shipped."""
    data = files("fhir_backpain.validation.resource") / "data" / "us_core.json"
    facts: dict[str, Any] = json.loads(data.read_text(encoding="utf-8"))
    return facts


def shipped_package() -> Path:
    """Return the folder of the package of profiles that comes with the adapter."""
    return profiles_folder() / "package"


def read_packages(paths: Iterable[Path]) -> Conformance:
    """Return the conformance resources of folders and FHIR package files (.tgz).

    Raises ArtifactError where one cannot be read.
    """
    return Conformance(one for path in paths for one in _read(path))


def _read(path: Path) -> list[Resource]:
    try:
        texts = _folder(path) if path.is_dir() else _archive(path)
        return [one for text in texts if (one := _kept(text)) is not None]
    except (OSError, tarfile.TarError, EOFError):
        raise ArtifactError(PACKAGE_UNREADABLE.issue(f"{path} cannot be read.")) from None


def _folder(path: Path) -> Iterator[bytes]:
    inner = path / "package"
    folder = inner if (inner / "package.json").is_file() else path
    for file in sorted(folder.glob("*.json")):
        yield file.read_bytes()


def _archive(path: Path) -> Iterator[bytes]:
    with tarfile.open(path, mode="r:gz") as archive:
        for member in archive:
            parts = PurePosixPath(member.name).parts
            if member.isfile() and len(parts) == 2 and parts[1].endswith(".json"):
                content = archive.extractfile(member)
                if content is not None:
                    yield content.read()


def _kept(text: bytes) -> Resource | None:
    if not any(f'"{kind}"'.encode() in text for kind in _KEPT):
        return None
    try:
        data = json.loads(text, parse_float=Decimal)
    except ValueError:
        return None
    return data if isinstance(data, dict) and data.get("resourceType") in _KEPT else None
