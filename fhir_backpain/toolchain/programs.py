"""The programs that the recipes call: Java, Maven, npm; found, checked and run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from fhir_backpain.toolchain.problem import (
    RECIPE_FAILED,
    REGISTRY_UNREACHABLE,
    TOOL_MISSING,
    CounterpartError,
    RegistryUnreachableError,
    ToolMissingError,
)

MINIMUM_JAVA = 17

_INSTALL = {
    "java": f"Install a Java runtime, version {MINIMUM_JAVA} or later, or set JAVA_HOME.",
    "javac": f"Install a Java development kit, version {MINIMUM_JAVA} or later, or set JAVA_HOME.",
    "mvn": "Install Apache Maven 3.6 or later and put mvn on the PATH.",
    "npm": "Install Node.js, which brings npm, and put npm on the PATH.",
}

# How Maven and npm say that the registry was not reached, as opposed to: it has no such package.
_UNREACHABLE = re.compile(
    r"Could not transfer (artifact|metadata)|Unknown host|Temporary failure in name resolution"
    r"|ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|ERR_SOCKET_TIMEOUT|in offline mode"
)


def find_program(name: str) -> str | None:
    """Return the path of a program, or None; Java's own come from JAVA_HOME where it is set."""
    java_home = os.environ.get("JAVA_HOME")
    if java_home and name in ("java", "javac"):
        return shutil.which(name, path=str(Path(java_home) / "bin"))
    return shutil.which(name)


def missing_program(names: Sequence[str]) -> ToolMissingError | None:
    """Return what to say about the first of `names` that is missing or too old, or None."""
    for name in names:
        program = find_program(name)
        if program is None:
            text = f"{name} was not found."
            return ToolMissingError(TOOL_MISSING.issue(text, next_step=_INSTALL[name]))
        if name == "java" and (version := _java_version(program)) < MINIMUM_JAVA:
            text = f"Java {MINIMUM_JAVA} or later is needed; {program} is Java {version}."
            return ToolMissingError(TOOL_MISSING.issue(text, next_step=_INSTALL[name]))
    return None


def require_programs(*names: str) -> None:
    """Raise ToolMissingError where one of the programs is missing or too old."""
    if problem := missing_program(names):
        raise problem


def run_program(name: str, *arguments: str, folder: Path) -> str:
    """Run a program in `folder` to its end and return its standard output.

    Raises RegistryUnreachableError where it could not download, CounterpartError where it
    failed otherwise.
    """
    require_programs(name)
    command = [find_program(name) or name, *arguments]
    done = subprocess.run(  # noqa: S603 (arguments come from the recipes alone)
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return done.stdout
    raise _failure(name, done.stdout + done.stderr)


def compile_java(source: Path, jars: Path, folder: Path) -> None:
    """Compile one Java file against all jars of a folder into `folder`."""
    require_programs("java", "javac")
    run_program(
        "javac", "-proc:none", "-nowarn", "-cp", f"{jars}/*", "-d", ".", str(source), folder=folder
    )


def _failure(name: str, output: str) -> CounterpartError:
    shown = "\n".join(output.strip().splitlines()[-15:])
    if _UNREACHABLE.search(output):
        return RegistryUnreachableError(
            REGISTRY_UNREACHABLE.issue(f"{name} could not reach its package registry:\n{shown}\n")
        )
    return CounterpartError(RECIPE_FAILED.issue(f"{name} failed:\n{shown}\n"))


def _java_version(program: str) -> int:
    """Return Java's feature number: 17 for "17.0.15", 8 for "1.8.0_402", 0 where unknown."""
    said = subprocess.run(  # noqa: S603 (a program found on the PATH, no input)
        [program, "-version"], capture_output=True, text=True, check=False
    )
    found = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)
    return int(found.group(1)) if found else 0
