"""What another release changes: elements that come, go or change, and deltas that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from fhir_backpain.errors import MappingSyntaxError
from fhir_backpain.mapping.declaration import Declaration, read_declaration
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.mapping.release_delta import ReleaseDelta, for_release, read_delta
from fhir_backpain.mapping.template import Literal, ObjectTemplate
from tests.records import assessment

BASE = """mapping: m
source: observation
makes: Observation
belongs to: record
key: [k]
resource:
  status: final
  code: {text: A note}
  valueString: =note
"""


@pytest.fixture
def base(tmp_path: Path) -> Declaration:
    path = tmp_path / "m.map.yaml"
    path.write_text(BASE, "utf-8")
    return read_declaration(path)


def delta(folder: Path, text: str) -> ReleaseDelta:
    path = folder / "d.delta.yaml"
    path.write_text(text, "utf-8")
    return read_delta(path)


def members(declaration: Declaration) -> list[str]:
    assert isinstance(declaration.template, ObjectTemplate)
    return list(declaration.template.members)


def test_elements_come_go_and_change_and_the_others_stay(tmp_path: Path, base: Declaration) -> None:
    change = delta(
        tmp_path,
        "release: R5\nmappings: {m: {valueString: null, status: amended, device: =note}}\n",
    )
    (changed,) = for_release([base], [change])
    assert isinstance(changed.template, ObjectTemplate)
    assert members(changed) == ["status", "code", "device"]
    status = changed.template.members["status"]
    assert isinstance(status, Literal)
    assert status.value == "amended"
    assert members(base) == ["status", "code", "valueString"]
    assert changed.template.members["code"] is base.template.members["code"]  # type: ignore[union-attr]


def test_two_deltas_are_taken_one_after_the_other(tmp_path: Path, base: Declaration) -> None:
    first = delta(tmp_path, "release: R5\nmappings: {m: {device: =note}}\n")
    second = delta(tmp_path, "release: R5\nmappings: {m: {device: null, focus: null}}\n")
    with pytest.raises(MappingSyntaxError, match="makes no element 'focus'"):
        for_release([base], [first, second])
    third = delta(tmp_path, "release: R5\nmappings: {m: {device: null}}\n")
    assert members(for_release([base], [first, third])[0]) == members(base)


def test_two_mappings_of_one_name_are_both_kept_to_be_told(base: Declaration) -> None:
    assert len(for_release([base, base], [])) == 2


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("release: R6\nmappings: {}\n", "1:10", "R4, R4B, R5"),
        ("release: R5\nwithout: meta.profile\n", "2:10", "'without' is a list"),
        ("release: R5\nwithout: [{a: b}]\n", "2:11", "A path is text"),
        ("mappings: {}\n", "1:1", "'release' is missing"),
        ("release: R5\nmapping: {}\n", "2:1", "'mapping' is not known"),
        ("release: R5\nmappings: {m: null}\n", "2:15", "'m' must be a map"),
    ],
)
def test_a_delta_that_cannot_be_read_is_told_at_its_place(
    tmp_path: Path, text: str, place: str, words: str
) -> None:
    with pytest.raises(MappingSyntaxError) as caught:
        delta(tmp_path, text)
    (issue,) = caught.value.issues
    assert words in issue.text
    assert str(issue.mapping) == f"{tmp_path}/d.delta.yaml:{place}"


@pytest.mark.parametrize(
    ("entry", "line", "words"),
    [
        ("  n: {status: null}", 3, "no mapping 'n'"),
        ("  m:\n    status: null\n    focus: null", 5, "makes no element 'focus'"),
    ],
)
def test_a_delta_of_what_is_not_there_is_told_at_its_line(
    tmp_path: Path, base: Declaration, entry: str, line: int, words: str
) -> None:
    change = delta(tmp_path, f"release: R5\nmappings:\n{entry}\n")
    with pytest.raises(MappingSyntaxError) as caught:
        for_release([base], [change])
    (issue,) = caught.value.issues
    assert (issue.number, words in issue.text) == (3003, True)
    assert issue.mapping is not None
    assert issue.mapping.line == line


def test_a_resource_that_is_no_map_is_told(tmp_path: Path) -> None:
    path = tmp_path / "m.map.yaml"
    path.write_text(BASE.partition("resource:")[0] + "resource: {=use: meta}\n", "utf-8")
    change = delta(tmp_path, "release: R5\nmappings: {m: {status: null}}\n")
    with pytest.raises(MappingSyntaxError, match="A resource is a map"):
        for_release([read_declaration(path)], [change])


def test_a_path_is_taken_out_of_every_mapping_that_writes_it(
    tmp_path: Path, base: Declaration
) -> None:
    path = tmp_path / "c.map.yaml"
    claim = "  meta: {profile: [https://clinic.example/p], source: =source}\n"
    path.write_text(BASE + claim, "utf-8")
    claiming = read_declaration(path)
    change = delta(tmp_path, "release: R4B\nwithout: [meta.profile, status]\n")
    without, other = for_release([claiming, base], [change])
    assert isinstance(without.template, ObjectTemplate)
    meta = without.template.members["meta"]
    assert isinstance(meta, ObjectTemplate)
    assert list(meta.members) == ["source"]
    assert members(other) == ["code", "valueString"]
    assert members(base) == ["status", "code", "valueString"]


def test_a_path_that_no_mapping_writes_is_told(tmp_path: Path, base: Declaration) -> None:
    change = delta(tmp_path, "release: R5\nwithout:\n  - status\n  - meta.profile\n")
    with pytest.raises(MappingSyntaxError, match="No mapping makes") as caught:
        for_release([base], [change])
    (issue,) = caught.value.issues
    assert issue.mapping is not None
    assert issue.mapping.line == 4


def test_the_shipped_mappings_claim_profiles_in_r4_alone() -> None:
    for release in ("R4", "R4B", "R5"):
        mapper = load_mapper(release=release)
        made = mapper(assessment(work_status={"days_off": 1}))
        claims = [one for one in made if '"profile":' in one.text]
        assert bool(claims) == (release == "R4")
