"""What is said where Java, Maven or npm are missing, and how a failed download is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import servers.hapi
from fhir_backpain.hl7 import validator as hl7
from fhir_backpain.hl7.validator import Validator
from fhir_backpain.toolchain.problem import (
    CounterpartError,
    RegistryUnreachableError,
    ToolMissingError,
)
from fhir_backpain.toolchain.programs import (
    find_program,
    missing_program,
    require_programs,
    run_program,
)

ROOT = Path(__file__).parents[3]


@pytest.fixture
def programs(tmp_path, monkeypatch) -> Path:
    """An empty folder that is the whole PATH, and an empty cache."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("FHIR_BACKPAIN_CACHE", str(tmp_path / "cache"))
    return folder


def add_program(folder: Path, name: str, *, says: str = "", code: int = 0) -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\nprintf '%s' '{says}' >&2\nexit {code}\n")
    program.chmod(0o755)
    return program


def test_each_missing_program_is_named_with_how_to_get_it(programs):
    for name, advice in {
        "java": "JAVA_HOME",
        "javac": "development kit",
        "mvn": "Apache Maven",
        "npm": "Node.js",
    }.items():
        with pytest.raises(ToolMissingError) as caught:
            require_programs(name)
        (issue,) = caught.value.issues
        assert issue.number == 9901
        assert issue.text == f"{name} was not found."
        assert advice in issue.next_step


@pytest.mark.parametrize(
    ("says", "version"),
    [('openjdk version "11.0.22" 2024-01-16', "11"), ('java version "1.8.0_402"', "8")],
)
def test_an_old_java_is_refused(programs, says, version):
    add_program(programs, "java", says=says)

    problem = missing_program(["java"])

    assert problem is not None
    assert f"is Java {version}." in str(problem)


@pytest.mark.parametrize("says", ['openjdk version "17.0.15" 2025-04-15', 'version "25" 2025'])
def test_a_recent_java_is_accepted(programs, says):
    add_program(programs, "java", says=says)

    assert missing_program(["java"]) is None


def test_java_home_goes_before_the_path(programs, tmp_path, monkeypatch):
    add_program(programs, "java")
    home = tmp_path / "jdk" / "bin"
    home.mkdir(parents=True)
    monkeypatch.setenv("JAVA_HOME", str(home.parent))
    assert find_program("java") is None

    wanted = add_program(home, "java")

    assert find_program("java") == str(wanted)


@pytest.mark.parametrize("tool", [servers.hapi, hl7])
def test_availability_is_told_in_words(programs, tool):
    available, reason = tool.is_available()

    assert not available
    assert "java was not found" in reason
    assert "Next: Install a Java runtime" in reason


@pytest.mark.parametrize("tool", [servers.hapi, hl7])
def test_a_download_without_programs_says_so_and_leaves_nothing(programs, tool, tmp_path):
    with pytest.raises(ToolMissingError):
        tool.download()

    assert not tool.is_downloaded()
    assert [path for path in tmp_path.glob("cache/*/*") if path.is_dir()] == []


@pytest.mark.parametrize("arguments", [("hapi", "start"), ("validator", "check", "patient.json")])
def test_the_commands_show_no_traceback(programs, arguments):
    command = [sys.executable, "-m", "servers", *arguments]
    run = subprocess.run(
        command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False
    )

    assert run.returncode == 2
    assert "FBP-9901: java was not found." in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    "output",
    [
        # Maven and npm with the network cut, word for word but for the names.
        "[ERROR] Could not transfer artifact a:b:pom:1 from/to central: Connection refused",
        "npm error code ECONNREFUSED",
        "npm error code EAI_AGAIN",
    ],
)
def test_an_unreachable_registry_is_no_fault_of_the_recipe(programs, tmp_path, output):
    add_program(programs, "npm", says=output, code=1)

    with pytest.raises(RegistryUnreachableError) as caught:
        run_program("npm", "pack", folder=tmp_path)

    assert caught.value.issues[0].number == 9902
    assert output in str(caught.value)


def test_an_unknown_package_is_a_fault_of_the_recipe(programs, tmp_path):
    add_program(programs, "npm", says="npm error code E404", code=1)

    with pytest.raises(CounterpartError) as caught:
        run_program("npm", "pack", folder=tmp_path)

    assert caught.value.issues[0].number == 9903
    assert not isinstance(caught.value, RegistryUnreachableError)


def test_settings_that_make_no_sense_are_refused_before_anything_starts():
    with pytest.raises(CounterpartError, match=r"4\.0\.1, 5\.0\.0"):
        Validator("3.0.2")
    with pytest.raises(CounterpartError, match="R4 or R5"):
        servers.hapi.HapiServer(release="STU3")


def test_a_validator_that_was_not_started_says_so():
    with pytest.raises(CounterpartError, match="not started"):
        Validator().validate(b"{}")
