"""profiles: what it lists, and the package file that it writes."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.artifacts.finder import profiles_folder
from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.cli.fhir_package import load_package
from fhir_backpain.errors import ArtifactError
from tests.command import Run

PACKAGE = profiles_folder() / "package"


def members(package: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as archive:
        return {member.name: member for member in archive}


def content(package: bytes, name: str) -> Any:
    with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as archive:
        file = archive.extractfile(name)
        assert file is not None
        return json.load(file)


def test_it_lists_every_definition(run: Run) -> None:
    listed = run("profiles", "list", "--json").json
    assert listed["package"] == "org.fhir-backpain"
    urls = {found["url"] for found in listed["definitions"]}
    files = [json.loads(file.read_text("utf-8")) for file in PACKAGE.glob("*-*.json")]
    assert urls == {resource["url"] for resource in files}
    kinds = {found["id"]: found["type"] for found in listed["definitions"]}
    assert kinds["backpain-score"] == "Profile"
    assert kinds["backpain-assessment-record"] == "LogicalModel"
    assert kinds["backpain-cause-vs"] == "ValueSet"


def test_people_see_the_profiles_first(run: Run) -> None:
    ran = run("profiles", "list")
    assert ran.code == ExitCode.DONE
    blocks = ran.out.split("\n\n")
    assert blocks[0].startswith("org.fhir-backpain ")
    assert blocks[1].startswith("Profile\n")
    assert "  backpain-red-flag " in blocks[1]


def test_it_writes_the_package_by_its_name(run: Run, tmp_path: Path) -> None:
    ran = run("profiles", "package")
    assert ran.code == ExitCode.DONE
    (file,) = tmp_path.iterdir()
    manifest = content(file.read_bytes(), "package/package.json")
    assert file.name == f"{manifest['name']}-{manifest['version']}.tgz"
    assert file.name in ran.err


def test_out_says_where(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "package.tgz"
    file.write_text("something older", "utf-8")
    assert run("profiles", "package", "--out", str(file)).code == ExitCode.DONE
    assert file.read_bytes() == load_package().to_tgz()


def test_a_file_that_cannot_be_written_is_told(run: Run, tmp_path: Path) -> None:
    ran = run("profiles", "package", "--out", str(tmp_path / "nosuch" / "package.tgz"))
    assert ran.code == ExitCode.WRONG_USE
    assert "FBP-8007" in ran.err


def test_the_package_holds_every_file_and_an_index_of_them() -> None:
    package = load_package().to_tgz()
    found = members(package)
    assert next(iter(found)) == "package/package.json"
    files = {f"package/{file.relative_to(PACKAGE).as_posix()}" for file in PACKAGE.rglob("*.json")}
    indexes = {"package/.index.json", "package/example/.index.json"}
    assert set(found) == files | indexes
    index = content(package, "package/.index.json")
    listed = {entry["filename"] for entry in index["files"]}
    assert listed == {file.name for file in PACKAGE.glob("*-*.json")}
    (score,) = (e for e in index["files"] if e["id"] == "backpain-score")
    assert score == {
        "filename": "StructureDefinition-backpain-score.json",
        "resourceType": "StructureDefinition",
        "id": "backpain-score",
        "url": "https://fhir-backpain.org/fhir/StructureDefinition/backpain-score",
        "version": "0.1.0",
        "kind": "resource",
        "type": "Observation",
        "derivation": "constraint",
    }


def test_the_package_depends_on_its_content_alone() -> None:
    one, other = load_package().to_tgz(), load_package().to_tgz()
    assert one == other
    for member in members(one).values():
        assert (member.uid, member.gid, member.uname, member.mtime) == (0, 0, "", 499_162_500)
    # The header of gzip names neither a file nor the time of packing.
    assert one[3] == 0
    assert int.from_bytes(one[4:8], "little") == 499_162_500


def test_what_is_packed_is_what_is_in_the_folder() -> None:
    package = load_package()
    assert content(package.to_tgz(), "package/CodeSystem-backpain.json") == json.loads(
        (PACKAGE / "CodeSystem-backpain.json").read_text("utf-8")
    )


@pytest.mark.parametrize("text", [None, "{", "\udcff"])
def test_a_broken_folder_is_told(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "package.json").write_text(text, "utf-8", "surrogateescape")
    with pytest.raises(ArtifactError, match="FBP-8006"):
        load_package(tmp_path)
