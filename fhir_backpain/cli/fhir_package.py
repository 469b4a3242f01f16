"""The shipped profiles as a FHIR NPM package, one file that FHIR tools install.

FHIR: https://confluence.hl7.org/display/FHIR/NPM+Package+Specification
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fhir_backpain.artifacts.finder import profiles_folder
from fhir_backpain.cli import messages
from fhir_backpain.errors import ArtifactError, SourceError
from fhir_backpain.fhir import json_text

_INDEXED = (
    "resourceType", "id", "url", "version", "kind", "type", "supplements", "content", "valueSet",
    "derivation",
)  # fmt: skip
# The time that npm gives to every file, so that a package depends on its content alone.
_TIME = 499_162_500


@dataclass(frozen=True)
class FhirPackage:
    """A package: its manifest, its definitions and its examples, each by file name."""

    manifest: dict[str, Any]
    definitions: dict[str, dict[str, Any]]
    examples: dict[str, dict[str, Any]]

    @property
    def file_name(self) -> str:
        """Return the name that a package file has by convention."""
        return f"{self.manifest['name']}-{self.manifest['version']}.tgz"

    @cached_property
    def files(self) -> dict[str, bytes]:
        """Return the content of each file of the package, by its path in it."""
        found = {"package/package.json": _bytes(self.manifest)}
        for folder, resources in (
            ("package", self.definitions),
            ("package/example", self.examples),
        ):
            found[f"{folder}/.index.json"] = _bytes(_index(resources))
            found |= {f"{folder}/{name}": _bytes(one) for name, one in resources.items()}
        return found

    def to_tgz(self) -> bytes:
        """Return the package file: the same bytes for the same content."""
        packed = io.BytesIO()
        with (
            gzip.GzipFile(filename="", fileobj=packed, mode="wb", mtime=_TIME) as compressed,
            tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
        ):
            # Installers look for the manifest first.
            for name in sorted(self.files, key=lambda name: (name != "package/package.json", name)):
                entry = tarfile.TarInfo(name)
                entry.size, entry.mtime = len(self.files[name]), _TIME
                archive.addfile(entry, io.BytesIO(self.files[name]))
        return packed.getvalue()


def load_package(folder: Path | None = None) -> FhirPackage:
    """Return the package of a folder, by default the shipped one.

    Raises ArtifactError where the folder holds no package.
    """
    folder = folder or profiles_folder() / "package"
    try:
        manifest = _read(folder / "package.json")
        definitions = _resources(folder.glob("*-*.json"))
        examples = _resources((folder / "example").glob("*.json"))
    except (OSError, SourceError) as problem:
        kind = type(problem).__name__
        text = f"The package of profiles cannot be read: {kind}."
        raise ArtifactError(messages.PROFILES_BROKEN.issue(text)) from None
    return FhirPackage(manifest, definitions, examples)


def _resources(paths: Iterable[Path]) -> dict[str, dict[str, Any]]:
    return {path.name: _read(path) for path in sorted(paths)}


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json_text.parse(path.read_bytes())
    return content


def _index(resources: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the list by which tools load a package without opening every file."""
    files = [
        {"filename": name, **{key: one[key] for key in _INDEXED if isinstance(one.get(key), str)}}
        for name, one in resources.items()
    ]
    return {"index-version": 2, "files": files}


def _bytes(content: dict[str, Any]) -> bytes:
    return f"{json_text.pretty(content)}\n".encode()
