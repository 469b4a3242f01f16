"""The protocol files: complete, cited, and wrong ones told with their line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from fhir_backpain.errors import ArtifactError
from fhir_backpain.mapping.library import Library, load_library
from fhir_backpain.protocols import protocol as protocol_module
from fhir_backpain.protocols.plan_definition import plan_definition
from fhir_backpain.protocols.protocol import load_protocols, want_protocol

SHIPPED = Path(protocol_module.__file__).parent / "files"
NAMES = sorted(path.stem for path in SHIPPED.glob("*.yaml") if path.stem != "sources")

GOOD = """\
protocol: tiny
title: A tiny protocol
causes: [low-back-strain]
for: [cause is low-back-strain]
goals: [odi]
due weeks: 6
stop when:
  - {when: finding foot-drop is present, says: Look., sources: [a]}
steps:
  - step: self-care
    title: Self-care
    actions:
      - action: advice
        title: Advice
        treatment: self-care-education
        when: [always]
        says: It helps.
        sources: [a]
      - action: rest
        title: Rest
        never: It does not help.
        sources: [a]
"""
SOURCES = "sources:\n  a: {name: A, citation: A and others, url: https://a.example}\n"


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library()


def write(folder: Path, text: str) -> Path:
    (folder / "sources.yaml").write_text(SOURCES)
    (folder / "tiny.yaml").write_text(text)
    return folder


def test_there_are_five_named_as_their_files(library: Library) -> None:
    found = load_protocols(library)
    assert sorted(found) == NAMES
    assert set(found) == {
        "posture-and-sedentary", "disc-herniation", "spinal-stenosis", "muscle-strain",
        "degenerative-disc",
    }  # fmt: skip


def test_every_source_is_cited_and_every_action_cites_one(library: Library) -> None:
    found = load_protocols(library).values()
    listed = yaml.safe_load((SHIPPED / "sources.yaml").read_text("utf-8"))["sources"]
    assert {source.key for one in found for source in one.sources} == set(listed)
    for one in found:
        for step in one.steps:
            for action in step.actions:
                assert action.sources, action.key
                assert (action.never is None) == bool(action.says), action.key


@pytest.mark.parametrize("name", NAMES)
def test_a_bound_that_no_source_names_is_called_our_own(library: Library, name: str) -> None:
    for step in load_protocols(library)[name].steps:
        for action in step.actions:
            texts = " ".join(condition.text for condition in action.conditions)
            if "%" in texts and "50 %" not in texts:
                assert action.check is not None
                assert "protocol's own" in action.check


def test_a_folder_of_ones_own_takes_their_place(library: Library, tmp_path: Path) -> None:
    (one,) = load_protocols(library, write(tmp_path, GOOD)).values()
    assert (one.key, one.due_weeks, [step.key for step in one.steps]) == ("tiny", 6, ["self-care"])
    advice, rest = one.steps[0].actions
    assert (advice.treatment, advice.never, rest.never) == (
        "self-care-education", None, "It does not help.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "number", "line"),
    [
        ("protocol: tiny\n", "", 1005, 1),
        ("title: A tiny", "titel: A tiny", 1006, 2),
        ("[low-back-strain]", "[backache]", 1203, 3),
        ("cause is low-back-strain", "it hurts", 1202, 4),
        ("goals: [odi]", "goals: [startback-risk]", 1203, 5),
        ("due weeks: 6", "due weeks: soon", 1004, 1),
        ("sources: [a]}", "sources: [b]}", 1204, 8),
        ("finding foot-drop", "finding foot", 1203, 8),
        ("steps:\n", "steps: none\nx:\n", 1006, 10),
        ("treatment: self-care-education", "treatment: magic", 1203, 15),
        ("when: [always]", "when: []", 1005, 13),
        ("        says: It helps.\n", "", 1005, 13),
        ("never: It does", "newer: It does", 1006, 21),
    ],
)
def test_a_wrong_file_is_told_with_its_line(
    library: Library, tmp_path: Path, old: str, new: str, number: int, line: int
) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(ArtifactError) as error:
        load_protocols(library, write(tmp_path, GOOD.replace(old, new)))
    (issue,) = error.value.issues
    assert issue.mapping is not None
    assert (issue.number, issue.mapping.line) == (number, line), issue


def test_sources_must_be_there(library: Library, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(GOOD)
    with pytest.raises(ArtifactError) as error:
        load_protocols(library, tmp_path)
    assert [issue.number for issue in error.value.issues] == [1001]


def test_an_unknown_name_is_told(library: Library) -> None:
    with pytest.raises(ArtifactError) as error:
        want_protocol(load_protocols(library), "headache")
    assert [issue.number for issue in error.value.issues] == [1201]


@pytest.mark.parametrize("name", NAMES)
def test_a_plan_definition_has_every_action_condition_and_citation(
    library: Library, name: str
) -> None:
    protocol = load_protocols(library)[name]
    made = plan_definition(protocol, library)
    assert (made["status"], made["experimental"]) == ("draft", True)
    assert [one["citation"] for one in made["relatedArtifact"]] == [
        source.citation for source in protocol.sources
    ]
    stop, *steps = made["action"][0]["action"]
    assert stop["priority"] == "urgent"
    assert [step["title"] for step in steps] == [step.title for step in protocol.steps]
    for step, shown in zip(protocol.steps, steps, strict=True):
        proposed = [action for action in step.actions if action.never is None]
        actions = shown.get("action", [])
        assert [one["title"] for one in actions] == [action.title for action in proposed]
        for action, one in zip(proposed, actions, strict=True):
            told = [each["expression"]["description"] for each in one["condition"]]
            assert told == [condition.text for condition in action.conditions]
            assert [each["label"] for each in one["documentation"]] == [
                source.name for source in action.sources
            ]
            assert one["code"][0]["coding"]
        for action in step.actions:
            if action.never is not None:
                assert action.never in shown["description"]
