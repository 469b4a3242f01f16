"""The jars in which HL7's definitions are published, and where they came from."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from fhir_backpain.toolchain.cache import build_once
from fhir_backpain.toolchain.programs import run_program

_POM = Path(__file__).parent / "pom.xml"
_NAME = re.compile(r"(?P<artifact>hapi-fhir-validation-resources-r\w+)-(?P<version>[\d.]+)\.jar")


@dataclass(frozen=True, slots=True)
class DefinitionsJar:
    """One jar of definitions: the file, its Maven coordinates and the SHA-256 of its bytes."""

    file: Path
    coordinates: str
    sha256: str


def download() -> Path:
    """Return the folder of the jars; asks Maven for what the cache does not hold.

    Raises ToolMissingError, RegistryUnreachableError or CounterpartError.
    """
    return build_once("fhir-definitions", (_POM,), _fetch)


def find_jar(folder: Path, release: str) -> DefinitionsJar:
    """Return the jar of a release ("R4", "R4B", "R5")."""
    (file,) = folder.glob(f"hapi-fhir-validation-resources-{release.lower()}-*.jar")
    named = _NAME.fullmatch(file.name)
    assert named is not None
    coordinates = f"ca.uhn.hapi.fhir:{named['artifact']}:{named['version']}"
    return DefinitionsJar(file, coordinates, hashlib.sha256(file.read_bytes()).hexdigest())


def _fetch(folder: Path) -> None:
    shutil.copy(_POM, folder)
    run_program("mvn", "-B", "-q", f"-Dinstallation={folder}", "generate-resources", folder=folder)
