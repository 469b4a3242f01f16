"""The HAPI server's jars and class, downloaded and compiled once."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from fhir_backpain.toolchain.cache import build_once, product_folder
from fhir_backpain.toolchain.programs import (
    compile_java,
    missing_program,
    require_programs,
    run_program,
)

_RECIPE = Path(__file__).parent
_POM = _RECIPE / "pom.xml"
_SOURCE = _RECIPE / "HapiServer.java"
_JARS = "hapi-jars"
_CLASSES = "hapi-classes"


@dataclass(frozen=True, slots=True)
class HapiInstallation:
    """Where the server's jars and its compiled class are."""

    jars: Path
    classes: Path

    @property
    def class_path(self) -> str:
        """Java's class path of the server."""
        return f"{self.classes}:{self.jars}/lib/*"


def download() -> HapiInstallation:
    """Return the installation; fetches and compiles what the cache does not hold.

    Needs Maven and a Java development kit for that, and nothing but the cache from then on.
    Raises ToolMissingError, RegistryUnreachableError or CounterpartError.
    """
    jars = build_once(_JARS, [_POM], _fetch_jars)
    classes = build_once(
        _CLASSES,
        [_POM, _SOURCE],
        lambda folder: compile_java(_SOURCE, jars / "lib", folder),
    )
    return HapiInstallation(jars, classes)


def is_available() -> tuple[bool, str]:
    """Return whether this machine has what the server needs, and in words what is missing.

    Whether the registry can be reached is seen by `download` only.
    """
    if is_downloaded():
        problem = missing_program(["java"])
    else:
        problem = missing_program(["java", "javac", "mvn"])
    return (False, str(problem)) if problem else (True, "")


def is_downloaded() -> bool:
    """Return whether the cache holds all that the server needs."""
    jars = product_folder(_JARS, [_POM])
    classes = product_folder(_CLASSES, [_POM, _SOURCE])
    return jars.is_dir() and classes.is_dir()


def _fetch_jars(folder: Path) -> None:
    require_programs("java", "javac", "mvn")
    shutil.copy(_POM, folder)  # Maven may write beside the pom; the checkout stays as it is.
    run_program("mvn", "-B", "-q", f"-Dinstallation={folder}", "generate-resources", folder=folder)
