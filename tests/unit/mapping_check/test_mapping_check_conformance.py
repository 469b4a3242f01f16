"""What the check of a mapping tells, and what it leaves alone: mappings of a few lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from fhir_backpain.definitions.definitions import load_definitions
from fhir_backpain.mapping.check.clash import clashing_rules
from fhir_backpain.mapping.check.conformance import ConformanceCheck
from fhir_backpain.mapping.declaration import Declaration, read_declaration
from fhir_backpain.mapping.library import Library, load_library
from fhir_backpain.mapping.source_shape import record_shape
from fhir_backpain.outcome import Issue

WHOLE = "  status: final\n  code: {text: A note}\n"


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library()


def declared(folder: Path, head: str, resource: str = WHOLE, name: str = "m") -> Declaration:
    path = folder / f"{name}.map.yaml"
    lines = f"mapping: {name}\nsource: observation\nmakes: Observation\nbelongs to: record\n"
    path.write_text(f"{lines}{head}resource:\n{resource}", "utf-8")
    return read_declaration(path)


def found(library: Library, declaration: Declaration, release: str = "R4") -> list[Issue]:
    check = ConformanceCheck(load_definitions(release), library)
    return list(check.findings(declaration, record_shape("observation")))


@pytest.mark.parametrize("release", ["R4", "R4B", "R5"])
def test_the_least_that_is_valid_has_no_finding(
    tmp_path: Path, library: Library, release: str
) -> None:
    assert found(library, declared(tmp_path, "key: [note]\n"), release) == []


def test_a_misspelt_mandatory_element_is_told_once(tmp_path: Path, library: Library) -> None:
    resource = "  statuss: final\n  code: {text: A note}\n"
    (issue,) = found(library, declared(tmp_path, "key: [k]\n", resource))
    assert (issue.number, issue.expression) == (3040, "Observation.statuss")
    assert "Did you mean status" in issue.text


def test_an_unknown_element_hides_no_missing_one(tmp_path: Path, library: Library) -> None:
    resource = "  colour: red\n  code: {text: A note}\n"
    issues = found(library, declared(tmp_path, "key: [k]\n", resource))
    assert [(issue.number, issue.expression) for issue in issues] == [
        (3040, "Observation.colour"),
        (3042, "Observation.status"),
    ]


@pytest.mark.parametrize(
    ("head", "number"),
    [
        ("key: [note, =note]\n", 3043),
        ("key: [note, =encounter.id, =measure]\n", 3043),
        ("when: measure is missing\nkey: [k]\n", 3047),
        ("when: note is present and note is missing\nkey: [k]\n", 3047),
        ("key: [k]\nignore:\n  - {path: notes, because: no}\n", 3003),
    ],
)
def test_a_wrong_head_is_told(tmp_path: Path, library: Library, head: str, number: int) -> None:
    issues = found(library, declared(tmp_path, head))
    assert [issue.number for issue in issues] == [number]


@pytest.mark.parametrize(
    "head",
    [
        "key: [note, =measure, =note]\n",
        "when: note is present\nkey: [note, =note]\n",
        "when: encounter is present\nkey: [=encounter.id]\n",
        "key: [k]\nignore:\n  - {path: note, because: no}\n",
        "key: [k]\nignore:\n  - {path: 'patient.name.given[]', because: no}\n",
    ],
)
def test_a_right_head_is_left_alone(tmp_path: Path, library: Library, head: str) -> None:
    assert found(library, declared(tmp_path, head)) == []


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("key: [a]\n", "key: [b]\n", False),
        ("key: [a]\n", "key: [a]\n", True),
        ("key: [a]\n", "key: [a, =measure]\n", True),
        ("key: [a, x]\n", "key: [a, =measure]\n", True),
        ("key: [=measure]\n", "key: [b]\n", True),
        ("key: [a, =measure, x]\n", "key: [a, =measure, y]\n", False),
    ],
)
def test_rules_clash_where_their_keys_can_be_equal(
    tmp_path: Path, one: str, other: str, clash: bool
) -> None:
    second = declared(tmp_path, other, name="other")
    issues = list(clashing_rules([declared(tmp_path, one, name="one"), second]))
    assert [issue.number for issue in issues] == ([3048] if clash else [])
    if clash:
        assert issues[0].mapping == second.key[0].location
