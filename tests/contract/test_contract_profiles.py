"""The package of profiles: valid for HL7's validator, loadable by it, and up to date."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.artifacts.finder import profiles_folder
from fhir_backpain.cli.fhir_package import load_package
from fhir_backpain.hl7.validator import Validator
from fhir_backpain.toolchain.problem import CounterpartError, RegistryUnreachableError
from servers.profiles import build as profiles
from servers.profiles.sushi import installed
from servers.profiles.us_core import VARIABLE

PACKAGE = profiles_folder() / "package"
DEFINITIONS = sorted(PACKAGE.glob("*-*.json"))
EXAMPLES = sorted((PACKAGE / "example").glob("*.json"))
OWN = "https://fhir-backpain.org/fhir/StructureDefinition/"


def errors(validator: Validator, resource: Path | bytes, *profiles: str) -> list[str]:
    return [str(issue) for issue in validator.validate(resource, profiles=profiles)
            if issue.is_error]  # fmt: skip


@pytest.mark.parametrize("file", [*DEFINITIONS, *EXAMPLES], ids=lambda file: file.stem)
def test_every_resource_of_the_package_is_valid(profile_validator: Validator, file: Path) -> None:
    assert errors(profile_validator, file) == []


def red_flag() -> dict[str, Any]:
    """Return an example that claims the profile of red flags."""
    for file in EXAMPLES:
        example: dict[str, Any] = json.loads(file.read_text("utf-8"))
        if f"{OWN}backpain-red-flag" in example.get("meta", {}).get("profile", ()):
            return example
    raise AssertionError("there is no example of a red flag")


def without_value(resource: dict[str, Any]) -> bytes:
    return json.dumps({k: v for k, v in resource.items() if k != "valueBoolean"}).encode()


def test_the_validator_sees_what_a_profile_forbids(profile_validator: Validator) -> None:
    found = errors(profile_validator, without_value(red_flag()))
    assert any("backpain-red-flag" in error and "value[x]" in error for error in found)


def test_the_validator_loads_the_package_file(
    validator_installation: None, us_core: Path, tmp_path: Path
) -> None:
    file = tmp_path / "package.tgz"
    file.write_bytes(load_package().to_tgz())
    example = red_flag()
    with Validator("4.0.1", [us_core, file]) as validator:
        assert errors(validator, json.dumps(example).encode(), f"{OWN}backpain-red-flag") == []
        assert errors(validator, without_value(example), f"{OWN}backpain-red-flag")


@pytest.fixture
def sushi(validator_installation: None, us_core: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SUSHI and what it needs are here."""
    if shutil.which("npm") is None:
        pytest.skip("SUSHI needs Node")
    monkeypatch.setenv(VARIABLE, str(us_core))
    try:
        installed(profiles_folder())
    except RegistryUnreachableError as problem:
        pytest.skip(str(problem))


@pytest.mark.timeout(1200)
def test_the_committed_package_is_up_to_date(sushi: None) -> None:
    assert profiles.check() == [], "run: python -m servers profiles build"


@pytest.mark.timeout(1200)
def test_a_build_puts_every_file_right(sushi: None, tmp_path: Path) -> None:
    package = tmp_path / "package"
    profiles.build(package=package)
    built = contents(package)
    (package / "package.json").unlink()
    (package / "ValueSet-backpain-cause-vs.json").write_text("{}\n", "utf-8")
    (package / "example" / "Patient-left-over.json").write_text("{}\n", "utf-8")
    wrong = [
        "ValueSet-backpain-cause-vs.json", "example/Patient-left-over.json", "package.json",
    ]  # fmt: skip
    assert profiles.build(package=package) == wrong
    assert contents(package) == built


@pytest.mark.timeout(1200)
def test_a_wrong_rule_is_told_with_its_place(sushi: None, tmp_path: Path) -> None:
    project = tmp_path / "profiles"
    shutil.copytree(profiles_folder(), project)
    with (project / "input" / "fsh" / "pain.fsh").open("a", encoding="utf-8") as file:
        file.write("* nosuch 1..1\n")
    with pytest.raises(CounterpartError) as told:
        profiles.check(project)
    assert "nosuch" in str(told.value)
    assert "File: input/fsh/pain.fsh" in str(told.value)


def contents(folder: Path) -> dict[Path, bytes]:
    return {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*.json")}
