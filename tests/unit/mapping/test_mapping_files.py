"""The files of a mappings folder, and files laid over them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fhir_backpain.artifacts.finder import mappings_folder
from fhir_backpain.errors import ArtifactError, MappingCheckError
from fhir_backpain.mapping.files import KINDS, PLACES, MappingFiles, is_mappings_folder, kind_of
from fhir_backpain.mapping.library import library_of, load_library
from fhir_backpain.mapping.mapper import load_mapper, mapper_of
from tests.records import assessment, observation

MEASURE = mappings_folder() / "observation/observation-measure.map.yaml"


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_of_a_place_is_of_the_place_s_kind(kind: str) -> None:
    found = list(mappings_folder().glob(PLACES[kind]))  # type: ignore[index]
    assert found
    assert {kind_of(path) for path in found} == {kind}


def test_every_shipped_file_has_a_place() -> None:
    found = {path for pattern in PLACES.values() for path in mappings_folder().glob(pattern)}
    assert found == set(mappings_folder().rglob("*.yaml"))
    assert is_mappings_folder(mappings_folder())
    assert not is_mappings_folder(mappings_folder() / "feeds")


def test_a_file_of_no_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("what: ever\n")
    with pytest.raises(ArtifactError) as caught:
        MappingFiles.of(overlay=[path])
    assert caught.value.issues[0].number == 3050


def overlaid(tmp_path: Path, source: Path, old: str, new: str) -> MappingFiles:
    """Return the shipped files below a changed copy of one of them."""
    text = source.read_text("utf-8")
    assert text.count(old) == 1
    copy = tmp_path / f"another-name{''.join(source.suffixes)}"
    copy.write_text(text.replace(old, new), "utf-8")
    return MappingFiles.of(overlay=[copy])


def test_a_mapping_replaces_the_one_of_its_name(tmp_path: Path) -> None:
    files = overlaid(tmp_path, MEASURE, "else: final", "else: preliminary")
    made = [item.text for item in mapper_of(files)(observation(score=1))]
    assert '"status":"preliminary"' in "".join(made)
    assert len(made) == len(load_mapper()(observation(score=1)))


def test_a_renamed_file_of_the_folder_is_not_read_twice(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(mappings_folder(), folder)
    path = folder / "observation/observation-measure.map.yaml"
    path.write_text(path.read_text("utf-8").replace("observation-measure", "observation-x"))
    names = {rule.name for rule in mapper_of(MappingFiles.of(folder, [path])).rules("observation")}
    assert "observation-x" in names
    assert "observation-measure" not in names


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("instruments/sopa.yaml", "[0, 10]", "[0, 9]"),
        ("concept-maps/side.yaml", "  left: lat.left\n", ""),
        ("shared/common.yaml", "source: =source", "source: =id"),
        ("releases/r5.delta.yaml", "period: null", "period: null\n    language: en"),
    ],
)
def test_each_kind_can_be_laid_over_and_changes_the_version(
    tmp_path: Path, file: str, old: str, new: str
) -> None:
    files = overlaid(tmp_path, mappings_folder() / file, old, new)
    assert library_of(files).version != load_library().version


def test_an_instrument_and_a_concept_map_are_replaced(tmp_path: Path) -> None:
    sopa = overlaid(tmp_path, mappings_folder() / "instruments/sopa.yaml", "[0, 10]", "[0, 9]")
    assert library_of(sopa).ranges["sopa-control"][1] == 9
    side = mappings_folder() / "concept-maps/side.yaml"
    library = library_of(overlaid(tmp_path, side, "  left: lat.left\n", ""))
    assert "left" not in library.vocabulary["side"]


def test_a_draft_may_leave_fields_unmapped(tmp_path: Path) -> None:
    files = overlaid(tmp_path, MEASURE, "  note:\n    - text: =note\n", "")
    with pytest.raises(MappingCheckError, match="observation' reads or ignores 'note'"):
        mapper_of(files)
    assert mapper_of(files, is_draft=True)(observation(score=1, note="n"))


def test_everything_wrong_with_shared_files_is_told_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(mappings_folder(), folder)
    for file in ("instruments/odi.yaml", "concept-maps/side.yaml", "shared/common.yaml"):
        (folder / file).write_text("x: 1\n")
    with pytest.raises(ArtifactError) as caught:
        load_library(folder)
    assert len(caught.value.issues) == 3


def test_a_folder_without_mappings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError) as caught:
        load_mapper(tmp_path)
    assert [issue.number for issue in caught.value.issues] == [3054]


def test_what_keeps_a_mapping_from_being_read_comes_before_the_delta_that_misses_it(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "own"
    shutil.copytree(mappings_folder(), folder)
    (folder / "assessment/assessment-cause.map.yaml").write_text("mapping: assessment-cause\n")
    with pytest.raises(MappingCheckError) as caught:
        load_mapper(folder, "R5")
    assert [issue.number for issue in caught.value.issues] == [1005, 3003]


def test_an_own_concept_is_made_and_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(mappings_folder(), folder)
    table = "key,system,code,display\nx.score,urn:x,s,A score\n"
    (folder / "concepts.csv").write_text(table)
    before = load_library(folder).version
    odi = folder / "instruments/odi.yaml"
    odi.write_text(odi.read_text("utf-8").replace("func.odi.score", "x.score"), "utf-8")
    mapper = load_mapper(folder)
    record = assessment(scores=[{"measure": "odi", "score": 5}])
    assert any('"system":"urn:x","code":"s"' in item.text for item in mapper(record))
    (folder / "concepts.csv").write_text(table.replace("A score", "The score"))
    assert load_library(folder).version not in (before, mapper.version)
