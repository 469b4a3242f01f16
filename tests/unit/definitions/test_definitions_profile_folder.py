"""Profiles and value sets of a folder, read when they are asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.artifacts.finder import profiles_folder
from fhir_backpain.definitions.profile import NOTHING
from fhir_backpain.definitions.profile_folder import ProfileFolders
from fhir_backpain.errors import ArtifactError

BASE = "https://clinic.example/fhir"
OURS = "https://fhir-backpain.org/fhir/StructureDefinition/"


@pytest.fixture(scope="module")
def shipped() -> ProfileFolders:
    return ProfileFolders([profiles_folder() / "package"])


def write(folder: Path, kind: str, id_: str, **content: Any) -> None:
    resource = {"resourceType": kind, "id": id_, "url": f"{BASE}/{kind}/{id_}", **content}
    (folder / f"{kind}-{id_}.json").write_text(json.dumps(resource), "utf-8")


def value_set(folder: Path, id_: str, *include: dict[str, Any], **more: Any) -> str:
    write(folder, "ValueSet", id_, compose={"include": list(include), **more})
    return f"{BASE}/ValueSet/{id_}"


def test_every_shipped_profile_can_be_read(shipped: ProfileFolders) -> None:
    found = [shipped.find(url) for url in shipped.urls()]
    assert len(found) > 15
    assert all(one is not None and one.type in one.elements for one in found if one
               and ":" not in one.type and "/" not in one.type)  # fmt: skip


def test_slices_children_and_fixed_values_are_found(shipped: ProfileFolders) -> None:
    profile = shipped.find(f"{OURS}backpain-score|0.1.0")
    assert profile is not None
    assert profile.children("Observation")["identifier"].min == 1
    (survey, *_) = profile.slices("Observation.category")
    assert (survey.slice_name, survey.min, survey.max) == ("survey", 1, 1)
    assert survey.pattern["coding"][0]["code"] == "survey"
    assert survey.fixed is NOTHING
    category = profile.children("Observation")["category"]
    assert [(one.type, one.path) for one in category.discriminators] == [("pattern", "$this")]
    value = profile.children("Observation")["value[x]"]
    assert set(value.json_names) == {"valueQuantity", "valueCodeableConcept"}


def test_an_unknown_profile_is_none(shipped: ProfileFolders) -> None:
    assert shipped.find(f"{OURS}backpain-none") is None


def test_the_first_folder_wins(tmp_path: Path) -> None:
    for number, name in enumerate(("one", "two")):
        (tmp_path / name).mkdir()
        root = {"id": "Goal", "min": number, "max": "*"}
        snapshot = {"element": [root]}
        write(tmp_path / name, "StructureDefinition", "p", type="Goal", snapshot=snapshot)
    found = ProfileFolders([tmp_path / "one", tmp_path / "two"]).find(
        f"{BASE}/StructureDefinition/p"
    )
    assert found is not None
    assert found.elements["Goal"].min == 0


def test_a_value_set_gives_its_codes(tmp_path: Path) -> None:
    write(tmp_path, "CodeSystem", "c", content="complete", concept=[{"code": "a"}, {"code": "b"}])
    system = f"{BASE}/CodeSystem/c"
    whole = value_set(tmp_path, "whole", {"system": system})
    some = value_set(tmp_path, "some", {"system": "s:x", "concept": [{"code": "x"}]})
    both = value_set(tmp_path, "both", {"valueSet": [whole, some]})
    folders = ProfileFolders([tmp_path])
    assert [str(one) for one in folders.codes(f"{both}|1") or ()] == [
        f"{system}|a", f"{system}|b", "s:x|x",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "include",
    [
        [{"system": "s:elsewhere"}],
        [{"system": "s:x", "filter": [{"property": "concept"}]}],
        [{"valueSet": [f"{BASE}/ValueSet/elsewhere"]}],
        [{"valueSet": [f"{BASE}/ValueSet/v"]}],
    ],
)
def test_codes_that_are_not_all_here_are_unknown(
    tmp_path: Path, include: list[dict[str, Any]]
) -> None:
    url = value_set(tmp_path, "v", *include)
    assert ProfileFolders([tmp_path]).codes(url) is None


def test_a_value_set_that_takes_codes_out_is_unknown(tmp_path: Path) -> None:
    concept = {"system": "s:x", "concept": [{"code": "x"}]}
    url = value_set(tmp_path, "v", concept, exclude=[{"system": "s:x"}])
    assert ProfileFolders([tmp_path]).codes(url) is None


@pytest.mark.parametrize("text", ["{", "[]", '{"snapshot": {}}'])
def test_a_file_that_is_no_profile_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "StructureDefinition-p.json").write_text(text, "utf-8")
    with pytest.raises(ArtifactError) as caught:
        ProfileFolders([tmp_path]).find("")
    (issue,) = caught.value.issues
    assert issue.number == 4803
    assert "StructureDefinition-p.json" in issue.text
