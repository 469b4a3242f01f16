"""One release of FHIR as HL7 defines it: its structures, value sets and code systems."""

from __future__ import annotations

import io
import json
import re
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from servers.definitions.fhir_xml import read_bundle
from servers.definitions.jar import DefinitionsJar, find_jar

RELEASES = {"R4": "4.0.1", "R4B": "4.3.0", "R5": "5.0.0"}
"""The releases and their version numbers."""

_XML = r".*/model/(profile/profiles-(types|resources)|valueset/.*)\.xml"
_CORE = r".*/hl7\.fhir\.r5\.core-.*\.tgz"
_TERMINOLOGY = r".*/hl7\.terminology-.*\.tgz"
# Which files of which jars hold a release. R4B's jar lacks the code systems that HL7 keeps outside
# FHIR, so it borrows the package that stands beside R5; a definition read earlier stays.
_CONTENT = {
    "R4": (("R4", _XML),),
    "R4B": (("R4B", _XML), ("R5", _TERMINOLOGY)),
    "R5": (("R5", _CORE), ("R5", _TERMINOLOGY)),
}
_PACKAGED = re.compile(r"package/(StructureDefinition|ValueSet|CodeSystem)-[^/]+\.json")


@dataclass(slots=True)
class Specification:
    """The definitions of one release: structures by id, value sets and code systems by URL."""

    release: str
    sources: list[DefinitionsJar] = field(default_factory=list)
    structures: dict[str, dict[str, Any]] = field(default_factory=dict)
    value_sets: dict[str, dict[str, Any]] = field(default_factory=dict)
    code_systems: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """FHIR's version number of the release."""
        return RELEASES[self.release]

    @property
    def date(self) -> str:
        """The day on which HL7 made the release, as its own definitions say."""
        return str(self.structures["Resource"]["date"])[:10]

    def add(self, resource: dict[str, Any]) -> None:
        """Keep a resource where it is of a kind that the index needs and not there already."""
        kind = resource["resourceType"]
        if kind == "StructureDefinition":
            self.structures.setdefault(resource["id"], resource)
        elif kind == "ValueSet":
            self.value_sets.setdefault(resource.get("url", ""), resource)
        elif kind == "CodeSystem":
            self.code_systems.setdefault(resource.get("url", ""), resource)


def read_specification(folder: Path, release: str) -> Specification:
    """Return a release from the folder that holds the jars."""
    specification = Specification(release)
    for jar_of, pattern in _CONTENT[release]:
        jar = find_jar(folder, jar_of)
        if jar not in specification.sources:
            specification.sources.append(jar)
        for resource in _read_jar(jar.file, re.compile(pattern)):
            specification.add(resource)
    return specification


def _read_jar(file: Path, pattern: re.Pattern[str]) -> Iterator[dict[str, Any]]:
    with zipfile.ZipFile(file) as archive:
        for member in sorted(archive.namelist()):
            if not pattern.fullmatch(member):
                continue
            if member.endswith(".xml"):
                with archive.open(member) as bundle:
                    yield from read_bundle(bundle)
            else:
                yield from _read_package(archive.read(member))


def _read_package(content: bytes) -> Iterator[dict[str, Any]]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        for member in archive:
            if not _PACKAGED.fullmatch(member.name):
                continue
            file = archive.extractfile(member)
            if file is not None:
                yield json.loads(file.read())
