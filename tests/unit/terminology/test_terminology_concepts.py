"""Concepts by key, and concept maps from words to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fhir_backpain.errors import ArtifactError
from fhir_backpain.outcome import MappingLocation
from fhir_backpain.terminology.concept import Concept, ConceptTable, load_concepts
from fhir_backpain.terminology.concept_map import ConceptMap, read_concept_map

HERE = MappingLocation("f.yaml", 3, 9)
LEFT = Concept("lat.left", "urn:s", "1", "Left")
RIGHT = Concept("lat.right", "urn:s", "2", "Right")
BOTH = Concept("own.both", "urn:own", "1", "Both sides")
TABLE = ConceptTable([LEFT, RIGHT, BOTH])


def read(tmp_path: Path, text: str) -> ConceptMap:
    path = tmp_path / "side.yaml"
    path.write_text(text, "utf-8")
    return read_concept_map(path, TABLE)


def test_a_table_is_a_mapping_by_key() -> None:
    assert (len(TABLE), list(TABLE)) == (3, ["lat.left", "lat.right", "own.both"])
    assert TABLE["lat.left"].to_coding() == {"system": "urn:s", "code": "1", "display": "Left"}
    assert TABLE.want("own.both", HERE) is BOTH


def test_an_unknown_key_is_named_with_near_ones() -> None:
    with pytest.raises(ArtifactError) as caught:
        TABLE.want("lat.lefft", HERE)
    (issue,) = caught.value.issues
    assert issue.number == 1101
    assert "Did you mean lat.left" in issue.text
    assert issue.mapping == HERE
    with pytest.raises(ArtifactError, match=r"There is no concept 'zzz'\. Next"):
        TABLE.want("zzz", HERE)


def test_a_key_that_is_declared_twice_is_refused() -> None:
    with pytest.raises(ArtifactError, match=r"key lat\.left is declared twice"):
        ConceptTable([LEFT, RIGHT, LEFT])


def test_the_shipped_concepts_are_loaded_once_and_whole() -> None:
    concepts = load_concepts()
    assert concepts is load_concepts()
    assert concepts["pain.onset"].code == "38201-0"
    assert concepts["own.rmdq"].system == "https://fhir-backpain.org/fhir/CodeSystem/backpain"
    assert concepts["meta.test"].code == "HTEST"
    for concept in concepts.values():
        assert all((concept.key, concept.system, concept.code, concept.display))


def test_a_row_is_one_concept_or_several_with_or_without_a_text(tmp_path: Path) -> None:
    text = """\
concept map: side
of: side
why: because
rows:
  left: lat.left
  both: [own.both, lat.right]
  right: {is: [lat.right], text: On the right}
"""
    found = read(tmp_path, text)
    assert (found.name, found.kind) == ("side", "side")
    assert found.rows["left"].to_codeable_concept() == {"coding": [LEFT.to_coding()]}
    assert found.rows["both"].concepts == (BOTH, RIGHT)
    assert found.rows["right"].to_codeable_concept() == {
        "coding": [RIGHT.to_coding()],
        "text": "On the right",
    }


@pytest.mark.parametrize(
    ("rows", "reversible"),
    [
        ("{left: lat.left, right: lat.right}", True),
        ("{left: lat.left, both: own.both}", True),
        ("{left: lat.left, sinister: lat.left}", False),
        ("{left: lat.left, both: [lat.left, lat.right]}", False),
        ("{left: lat.left, both: [lat.right, lat.left]}", True),
        ("{}", True),
    ],
)
def test_a_map_is_reversible_where_no_two_words_share_their_first_coding(
    tmp_path: Path, rows: str, reversible: bool
) -> None:
    assert read(tmp_path, f"concept map: side\nrows: {rows}\n").is_reversible is reversible


@pytest.mark.parametrize(
    ("text", "place", "number"),
    [
        ("rows: {a: lat.left}", "1:1", 1005),
        ("concept map: side", "1:1", 1005),
        ("concept map: side\nrows: [lat.left]", "2:7", 1004),
        ("concept map: side\nrow: {a: lat.left}", "2:1", 1006),
        ("concept map: side\nrows:\n  a: lat.lef", "3:6", 1101),
        ("concept map: side\nrows:\n  a: [lat.left, lat.lef]", "3:17", 1101),
        ("concept map: side\nrows:\n  a: [[lat.left]]", "3:7", 1004),
        ("concept map: side\nrows:\n  a: {text: x}", "3:6", 1005),
        ("concept map: side\nrows:\n  a: {is: lat.left, txt: x}", "3:21", 1006),
        ("concept map: side\nrows:\n  a: {is: lat.left, text: [x]}", "3:27", 1004),
        ("concept map: side\nrows:\n  a: []", "3:6", 1004),
    ],
)
def test_a_wrong_map_is_refused_at_its_place(
    tmp_path: Path, text: str, place: str, number: int
) -> None:
    with pytest.raises(ArtifactError) as caught:
        read(tmp_path, text + "\n")
    (issue,) = caught.value.issues
    assert (issue.number, str(issue.mapping)) == (number, f"{tmp_path}/side.yaml:{place}")
