"""SUSHI, HL7's compiler of FHIR Shorthand, pinned and run on a package cache of our own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

from fhir_backpain.hl7 import validator as hl7
from fhir_backpain.toolchain.cache import build_once
from fhir_backpain.toolchain.problem import (
    RECIPE_FAILED,
    REGISTRY_UNREACHABLE,
    CounterpartError,
    RegistryUnreachableError,
)
from fhir_backpain.toolchain.programs import find_program, require_programs, run_program
from servers.profiles.us_core import US_CORE, VARIABLE

_CORE = "hl7.fhir.r4.core#4.0.1"
_SUMMARY = re.compile(r"(\d+) Errors?")


def installed(project: Path) -> Path:
    """Return SUSHI's program file; npm fetches it once, as the lock file of `project` says."""
    recipe = (project / "package.json", project / "package-lock.json")
    folder = build_once("sushi", recipe, lambda folder: _install(folder, recipe))
    return folder / "node_modules" / "fsh-sushi" / "dist" / "app.js"


def compile_project(program: Path, project: Path, us_core: Path | None) -> Path:
    """Compile a SUSHI project, with snapshots; return the folder of the resources.

    Raises CounterpartError with SUSHI's own words where it finds an error.
    """
    require_programs("npm")  # Node comes with it.
    home = project / "home"
    _make_package_cache(home, us_core)
    done = subprocess.run(  # noqa: S603 (a program of ours, no shell)
        [find_program("node") or "node", str(program), "build", "--snapshot", str(project)],
        env={**os.environ, "HOME": str(home), "USERPROFILE": str(home), "NO_COLOR": "1"},
        cwd=project,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    found = _SUMMARY.search(done.stdout)
    if done.returncode or not found or found[1] != "0":
        # People know the files by their place in the project, not in our copy of it.
        raise _failure((done.stdout + done.stderr).replace(f"{project}/", ""))
    return project / "fsh-generated" / "resources"


def _install(folder: Path, recipe: tuple[Path, ...]) -> None:
    for file in recipe:
        shutil.copy(file, folder)
    run_program("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", folder=folder)


def _make_package_cache(home: Path, us_core: Path | None) -> None:
    packages = home / ".fhir" / "packages"
    packages.mkdir(parents=True)
    core = hl7.download().home / ".fhir" / "packages" / _CORE
    (packages / _CORE).symlink_to(core, target_is_directory=True)
    if us_core:
        with tarfile.open(us_core) as archive:
            archive.extractall(packages / US_CORE, filter="data")


def _failure(output: str) -> CounterpartError:
    if f"Failed to load {US_CORE}" in output:
        return RegistryUnreachableError(
            REGISTRY_UNREACHABLE.issue(
                f"SUSHI could not download {US_CORE}.",
                next_step=f"Name its package file in ${VARIABLE}, or run this again when online.",
            )
        )
    shown = "\n".join(_findings(output))
    return CounterpartError(RECIPE_FAILED.issue(f"SUSHI found errors:\n{shown}\n"))


def _findings(output: str) -> list[str]:
    """Return SUSHI's errors and their places, without its progress and its closing table."""
    lines = output.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("error")]
    shown = [line for start in starts for line in lines[start : start + 3] if line.strip()]
    return shown or lines[-20:]
