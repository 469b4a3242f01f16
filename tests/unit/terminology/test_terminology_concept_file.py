"""Concepts that a mappings folder brings along, as a table or as a CodeSystem."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.errors import ArtifactError
from fhir_backpain.terminology.concept import load_concepts
from fhir_backpain.terminology.concept_file import load_concepts_of

URL = "https://clinic.example/fhir/CodeSystem/clinic"
SYSTEM: dict[str, Any] = {
    "resourceType": "CodeSystem", "id": "clinic", "url": URL,
    "concept": [{"code": "a", "display": "An A"}, {"code": "b", "display": "Ein Bé"}],
}  # fmt: skip


def code_system(folder: Path, **changes: Any) -> Path:
    path = folder / "CodeSystem-clinic.json"
    path.write_text(json.dumps({**SYSTEM, **changes}, indent=2), "utf-8")
    return path


def test_a_folder_without_concepts_has_the_shipped_ones(tmp_path: Path) -> None:
    assert load_concepts_of(tmp_path) is load_concepts()


def test_a_table_and_code_systems_are_added_to_the_shipped(tmp_path: Path) -> None:
    code_system(tmp_path)
    table = 'key,system,code,display,remark\nx.one,https://x.example/cs,1,"One, first",-\n'
    (tmp_path / "concepts.csv").write_text(table, "utf-8-sig")
    concepts = load_concepts_of(tmp_path)
    assert len(concepts) == len(load_concepts()) + 3
    assert concepts["clinic.b"].to_coding() == {"system": URL, "code": "b", "display": "Ein Bé"}
    assert concepts["x.one"].display == "One, first"
    assert concepts["own.rmdq"] == load_concepts()["own.rmdq"]


@pytest.mark.parametrize(
    ("changes", "number", "line", "words"),
    [
        ({"resourceType": "ValueSet"}, 1104, 1, "no CodeSystem"),
        ({"concept": None}, 1104, 1, "no CodeSystem"),
        ({"id": ""}, 1104, 1, "id and an absolute url"),
        ({"url": "clinic"}, 1104, 1, "id and an absolute url"),
        ({"concept": [{"code": "a", "display": "A"}, {"code": "b"}]}, 1104, 10, "and a display"),
        ({"concept": [1]}, 1104, 6, "and a display"),
        ({"concept": [{"code": "a", "display": "A"}] * 2}, 1105, 10, "'clinic.a' is there"),
        ({"id": "own", "concept": [{"code": "rmdq", "display": "R"}]}, 1105, 6, "'own.rmdq'"),
    ],
)
def test_a_wrong_code_system_is_refused_at_its_line(
    tmp_path: Path, changes: dict[str, Any], number: int, line: int, words: str
) -> None:
    path = code_system(tmp_path, **changes)
    with pytest.raises(ArtifactError) as caught:
        load_concepts_of(tmp_path)
    (issue,) = caught.value.issues
    assert issue.number == number
    assert words in issue.text
    assert issue.mapping is not None
    assert (issue.mapping.file, issue.mapping.line) == (str(path), line)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("key,code,display\nx,1,X\n", 1, "no column: system"),
        ("", 1, "no column: key"),
        ('key,"system" x,code,display\n', 1, "quotes"),
        ("key,system,code,display\nx,urn:x,1,X\ny,urn:x,,Y\n", 3, "Each row needs"),
        ("key,system,code,display\nx,urn:x,1\n", 2, "Each row needs"),
        ('key,system,code,display\nx,urn:x,1,"X" y\n', 2, "quotes"),
    ],
)
def test_a_wrong_table_is_refused_at_its_line(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    (tmp_path / "concepts.csv").write_text(text, "utf-8")
    with pytest.raises(ArtifactError) as caught:
        load_concepts_of(tmp_path)
    (issue,) = caught.value.issues
    assert (issue.number, words in issue.text) == (1104, True)
    assert str(issue.mapping).startswith(f"{tmp_path}/concepts.csv:{line}:")


def test_every_wrong_file_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "concepts.csv").write_bytes(b"key,system,code,display\nx,urn:x,1,\xff\n")
    (tmp_path / "CodeSystem-a.json").write_text('{"id": }')
    with pytest.raises(ArtifactError) as caught:
        load_concepts_of(tmp_path)
    assert [issue.number for issue in caught.value.issues] == [1104, 1104]
    place = caught.value.issues[1].mapping
    assert (place.line, place.column) == (1, 8) if place else False
