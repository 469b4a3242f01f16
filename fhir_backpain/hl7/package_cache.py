"""A FHIR package cache (`.fhir/packages`) made of what the package registries hold.

HL7's own package server is not asked. The validator wants exact versions of its helper packages;
where the registries have another version, its content is stored under the wanted version and the
package says so in its description.
"""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any

# What validator 6.5.18 asks for <- the package in whose place it is stored here.
_WANTED_FROM_NPM = {
    "hl7.terminology.r4": "6.2.0",
    "hl7.fhir.uv.extensions.r4": "5.2.0",
}
_WANTED_FROM_R5_JAR = {
    "hl7.fhir.r5.core": "hl7.fhir.r5.core#5.0.0",
    "hl7.terminology": "hl7.terminology.r5#6.2.0",
    "hl7.fhir.uv.extensions.r5": "hl7.fhir.uv.extensions.r5#5.2.0",
}
# Asked for, yet never needed: everything in them is in one of the packages above as well, or
# concerns other releases of FHIR.
_EMPTY = {
    "hl7.terminology#6.2.0": "5.0.0",
    "hl7.fhir.uv.extensions#5.2.0": "5.0.0",
    "hl7.fhir.xver-extensions#0.1.0": "4.0.1",
    "hl7.fhir.uv.tools.r4#0.8.0": "4.0.1",
    "hl7.fhir.uv.tools.r5#0.8.0": "5.0.0",
}
_INDEXED = (
    "id",
    "url",
    "version",
    "kind",
    "type",
    "supplements",
    "content",
    "valueSet",
    "derivation",
)

# The validator empties a cache of any other version.
_CACHE_VERSION = "[cache]\nversion = 3\n"
_SETTINGS = {"prohibitNetworkAccess": True, "ignoreDefaultPackageServers": True}


class PackageCache:
    """The `.fhir` folder of one home folder, to be filled package by package."""

    def __init__(self, home: Path) -> None:
        self.packages = home / ".fhir" / "packages"
        self.packages.mkdir(parents=True)
        (self.packages / "packages.ini").write_text(_CACHE_VERSION)
        (home / ".fhir" / "fhir-settings.json").write_text(json.dumps(_SETTINGS))

    def new_package(self, name_and_version: str) -> Path:
        """Return the new folder that is to hold the files of `name#version`."""
        folder = self.packages / name_and_version / "package"
        folder.mkdir(parents=True)
        return folder

    def add_r4_core(self, folder: Path) -> None:
        """Finish the package of FHIR 4.0.1, whose resources are in `folder` already."""
        _write_manifest(folder, "hl7.fhir.r4.core#4.0.1", "4.0.1", "FHIR R4", kind="Core")
        _write_index(folder)

    def add_npm_packages(self, archives: Path) -> None:
        """Add the packages that npm left in a folder as .tgz files."""
        for archive in sorted(archives.glob("*.tgz")):
            with archive.open("rb") as file:
                manifest, contents = _read_archive(file)
            name = manifest["name"]
            self._add(f"{name}#{_WANTED_FROM_NPM[name]}", manifest, contents)

    def add_r5_packages(self, jar: Path) -> None:
        """Add the packages of FHIR 5.0.0 that a jar holds as .tgz files."""
        with zipfile.ZipFile(jar) as archive:
            for member in archive.namelist():
                if member.endswith(".tgz"):
                    manifest, contents = _read_archive(io.BytesIO(archive.read(member)))
                    self._add(_WANTED_FROM_R5_JAR[manifest["name"]], manifest, contents)

    def add_empty_packages(self) -> None:
        """Add the packages that the validator insists on and does not need."""
        for name_and_version, fhir_version in _EMPTY.items():
            folder = self.new_package(name_and_version)
            _write_manifest(folder, name_and_version, fhir_version, "Empty on purpose", kind="IG")
            _write_index(folder)

    def _add(
        self, stored_as: str, manifest: Mapping[str, Any], contents: Mapping[str, bytes]
    ) -> None:
        folder = self.new_package(stored_as)
        for file_name, content in contents.items():
            (folder / file_name).write_bytes(content)
        original = f"{manifest['name']}#{manifest['version']}"
        name, version = stored_as.split("#")
        changed = {**manifest, "name": name, "version": version, "dependencies": {}}
        if stored_as != original:
            changed["description"] = f"The content of {original}"
        (folder / "package.json").write_text(json.dumps(changed))
        if not (folder / ".index.json").exists():
            _write_index(folder)


def _read_archive(file: IO[bytes]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the manifest of a package, and its files by name."""
    with tarfile.open(fileobj=file, mode="r:gz") as archive:
        contents = dict(_package_files(archive))
    return json.loads(contents.pop("package.json")), contents


def _package_files(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    """Yield the files directly under `package/`; examples and other folders are left out."""
    for member in archive:
        path = PurePosixPath(member.name)
        if member.isfile() and len(path.parts) == 2 and path.parts[0] == "package":
            content = archive.extractfile(member)
            if content is not None:
                yield path.name, content.read()


def _write_manifest(
    folder: Path, name_and_version: str, fhir_version: str, description: str, *, kind: str
) -> None:
    name, version = name_and_version.split("#")
    manifest = {
        "name": name,
        "version": version,
        "tools-version": 3,
        "type": kind,
        "date": "20191101092923",
        "license": "CC0-1.0",
        "canonical": "http://hl7.org/fhir",
        "url": "http://hl7.org/fhir/R4",
        "title": description,
        "description": description,
        "fhirVersions": [fhir_version],
        "dependencies": {},
    }
    (folder / "package.json").write_text(json.dumps(manifest))


def _write_index(folder: Path) -> None:
    """Write the list by which the validator loads a package without opening every file."""
    files = []
    for file in sorted(folder.glob("*.json")):
        resource = json.loads(file.read_bytes())
        if not isinstance(resource, dict) or "resourceType" not in resource:
            continue
        entry = {"filename": file.name, "resourceType": resource["resourceType"]}
        entry.update({key: resource[key] for key in _INDEXED if isinstance(resource.get(key), str)})
        files.append(entry)
    index = {"index-version": 2, "files": files}
    (folder / ".index.json").write_text(json.dumps(index))
