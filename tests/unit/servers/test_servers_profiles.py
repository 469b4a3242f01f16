"""What the package of profiles is generated from, and what becomes of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.cli.fhir_package import load_package
from fhir_backpain.fhir import canonical
from fhir_backpain.mapping.library import Library, load_library
from fhir_backpain.toolchain.problem import CounterpartError
from servers.profiles.concept_maps import concept_maps, record_words
from servers.profiles.examples import examples
from servers.profiles.logical_models import logical_models
from servers.profiles.questionnaires import questionnaires
from servers.profiles.shorthand import quoted
from servers.profiles.snapshot import tidy
from servers.profiles.us_core import VARIABLE, us_core_file
from servers.profiles.value_sets import VALUE_SETS, value_sets

WRITTEN = Path(__file__).parents[3] / "profiles" / "input" / "fsh"


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library()


@pytest.mark.parametrize(
    ("text", "literal"),
    [("plain", '"plain"'), ('"', r'"\""'), ("a\\b", r'"a\\b"'), ("a\nb", r'"a\nb"')],
)
def test_a_string_is_escaped(text: str, literal: str) -> None:
    assert quoted(text) == literal


def test_every_value_set_is_bound_and_every_binding_has_its_value_set() -> None:
    rules = "\n".join(file.read_text("utf-8") for file in WRITTEN.glob("*.fsh"))
    binding = re.compile(r"^\* \S+ from (\S+) \(", re.MULTILINE)
    bound = set(binding.findall(rules))
    assert bound == {value_set.fsh_name for value_set in VALUE_SETS}


def test_a_value_set_holds_every_coding_of_its_concept_map_once(library: Library) -> None:
    text = value_sets(library)
    causes = text.partition("ValueSet: BackPainCauseVS\n")[2].partition("\n\n")[0].splitlines()
    codes = [line for line in causes if line.startswith("* http")]
    expected = {
        f'* {concept.system}#{concept.code} "{concept.display}"'
        for row in library.concept_maps["cause"].rows.values()
        for concept in row.concepts
    }
    assert set(codes) == expected
    assert len(codes) == len(expected)


def test_a_value_set_names_the_owners_of_its_codes(library: Library) -> None:
    text = value_sets(library)
    sides = text.partition("ValueSet: BackPainSideVS\n")[2].partition("\n\n")[0]
    assert "SNOMED International" in sides
    assert "LOINC" not in sides


def test_the_scores_are_those_of_questionnaires(library: Library) -> None:
    scores = value_sets(library).partition("ValueSet: BackPainScoreVS\n")[2].partition("\n\n")[0]
    for measure, there in (("func.odi.score", True), ("vital.weight", False),
                           ("pain.severity.nrs", False)):  # fmt: skip
        assert (f"#{library.concepts[measure].code} " in scores) is there, measure


def test_a_concept_map_leads_from_every_word_to_every_coding(library: Library) -> None:
    made = {one["id"]: one for one in concept_maps(library)}
    pairs = {
        (element["code"], group["target"], target["code"])
        for group in made["backpain-treatment"]["group"]
        for element in group["element"]
        for target in element["target"]
    }
    assert pairs == {
        (word, concept.system, concept.code)
        for word, row in library.concept_maps["treatment"].rows.items()
        for concept in row.concepts
    }


@pytest.mark.parametrize(
    ("name", "word", "equivalences"),
    [
        ("cause", "low-back-strain", {"equivalent"}),
        ("cause", "radiculopathy", {"relatedto"}),
        ("treatment-line", "laminectomy", {"wider"}),
        ("treatment-category", "stretching", {"wider"}),
        ("dose-unit", "mg", {"equivalent"}),
        ("measure-unit", "odi", {"relatedto"}),
    ],
)
def test_a_concept_map_claims_no_more_than_is_so(
    library: Library, name: str, word: str, equivalences: set[str]
) -> None:
    (made,) = (one for one in concept_maps(library) if one["id"] == f"backpain-{name}")
    found = {
        target["equivalence"]
        for group in made["group"]
        for element in group["element"]
        if element["code"] == word
        for target in element["target"]
    }
    assert found == equivalences


def test_every_word_of_a_concept_map_is_in_the_code_system(library: Library) -> None:
    system = record_words(library)
    words = {concept["code"] for concept in system["concept"]}
    assert system["count"] == len(system["concept"]) == len(words)
    for made in concept_maps(library):
        for group in made["group"]:
            assert group["source"] == system["url"]
            assert {element["code"] for element in group["element"]} <= words


def test_no_concept_map_leads_to_what_r4_does_not_have(library: Library) -> None:
    made = {one["id"] for one in concept_maps(library)}
    assert "backpain-encounter-class" in made
    assert "backpain-encounter-status-r5" not in made


def test_a_questionnaire_has_the_items_of_its_instrument_by_number(library: Library) -> None:
    made = {one["id"]: one for one in questionnaires(library)}
    with_items = {one.key for one in library.instruments.values() if one.items}
    assert set(made) == {f"backpain-{key}" for key in with_items}
    odi = made["backpain-odi"]
    assert odi["url"] == canonical.questionnaire("odi")
    assert [item["linkId"] for item in odi["item"]] == [str(n) for n in range(1, 11)]
    assert {item["text"] for item in odi["item"]} == {f"Item {n}" for n in range(1, 11)}
    limits = [part["valueDecimal"] for part in odi["item"][0]["extension"]]
    assert limits == [0, 5]
    assert odi["copyright"] == library.instruments["odi"].licence


def model(record: str) -> dict[str, tuple[str, str]]:
    """Return cardinality and type by path, from the rules of a logical model."""
    (found,) = (
        text for text in logical_models().split("\n\n") if f"Id: backpain-{record}-record" in text
    )
    rules = [line.split(" ", 4) for line in found.splitlines() if line.startswith("* ")]
    return {path: (count, kind) for _, path, count, kind, *_ in rules}


def test_a_logical_model_says_what_the_schema_says() -> None:
    elements = model("assessment")
    assert elements["assessed_at"] == ("1..1", "dateTime")
    assert elements["record"] == ("1..1", "code")
    assert elements["patient.identifier.value"] == ("1..1", "string")
    assert elements["pain.ratings"] == ("0..*", "BackboneElement")
    assert elements["pain.ratings.side"] == ("0..1", "code")
    assert elements["pain.onset"] == ("0..1", "date")
    assert elements["work_status.days_off"] == ("0..1", "integer")
    assert model("care-plan")["goals.start"] == ("1..1", "date")
    assert model("observation")["recorded_at"] == ("0..1", "instant")


def test_examples_are_there_once_each_and_of_every_type() -> None:
    found = list(examples())
    keys = [(one["resourceType"], one["id"]) for one in found]
    assert len(set(keys)) == len(keys)
    assert {"Observation", "CarePlan", "Goal", "Provenance"} <= {kind for kind, _ in keys}


def test_the_first_of_two_examples_of_one_id_is_taken(tmp_path: Path) -> None:
    for record, title in (("assessment", "one"), ("care-plan", "two"), ("observation", "three")):
        case = tmp_path / record / "everything-at-once"
        case.mkdir(parents=True)
        made = [{"resourceType": "CarePlan", "id": "x", "title": title}]
        (case / "expected.r4.json").write_text(json.dumps(made), "utf-8")
    assert [one["title"] for one in examples(tmp_path)] == ["one"]


def definition(**element: Any) -> dict[str, Any]:
    return {"mapping": [{"identity": "v2"}], "differential": {"element": [dict(element)]},
            "snapshot": {"element": [element]}}  # fmt: skip


def tidied(**element: Any) -> dict[str, Any]:
    found: dict[str, Any] = tidy(definition(**element))["snapshot"]["element"][0]
    return found


def test_a_snapshot_holds_no_examples_and_no_mappings() -> None:
    whole = definition(path="A.b", min=1, example=[{"label": "x"}], mapping=[{"identity": "v2"}])
    made = tidy(whole)
    assert made["snapshot"] == {"element": [{"path": "A.b", "min": 1}]}
    assert made["differential"] == whole["differential"]
    assert "mapping" not in made


@pytest.mark.parametrize(
    ("types", "bound"),
    [
        (["date"], False),
        (["boolean"], False),
        (["CodeableConcept"], True),
        (["date", "code"], True),
    ],
)
def test_a_binding_stays_where_a_type_can_have_one(types: list[str], bound: bool) -> None:
    made = tidied(type=[{"code": code} for code in types], binding={"strength": "example"})
    assert ("binding" in made) is bound


def test_a_snapshot_names_no_profile_whose_type_depends_on_another_guide() -> None:
    us_core = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
    targets = [f"{us_core}questionnaireresponse", f"{us_core}documentreference"]
    made = tidied(type=[{"code": "Reference", "targetProfile": targets}, {"code": "string"}])
    core = "http://hl7.org/fhir/StructureDefinition/QuestionnaireResponse"
    assert made["type"] == [
        {"code": "Reference", "targetProfile": [core, targets[1]]}, {"code": "string"},
    ]  # fmt: skip


def test_the_file_of_us_core_is_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert us_core_file() is None
    file = tmp_path / "us-core.tgz"
    monkeypatch.setenv(VARIABLE, str(file))
    with pytest.raises(CounterpartError, match=VARIABLE):
        us_core_file()
    file.touch()
    assert us_core_file() == file


def test_every_profile_has_an_example_that_claims_it() -> None:
    package = load_package()
    profiles = {
        definition["url"]
        for definition in package.definitions.values()
        if definition["resourceType"] == "StructureDefinition" and definition["kind"] == "resource"
    }
    claimed = {
        url for example in package.examples.values() for url in example["meta"].get("profile", ())
    }
    assert len(profiles) == 21
    assert profiles - claimed == set()
