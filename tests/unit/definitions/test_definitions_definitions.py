"""What FHIR says, release by release: facts that a mapping can get wrong."""

from __future__ import annotations

import pytest

from fhir_backpain.definitions.definitions import RELEASES, Definitions, load_definitions
from fhir_backpain.errors import ArtifactError


@pytest.fixture
def r4() -> Definitions:
    return load_definitions("R4")


@pytest.fixture
def r5() -> Definitions:
    return load_definitions("R5")


def names_with_stem(definitions: Definitions, path: str, stem: str) -> set[str]:
    choices = {
        element.choice_of.path: element.choice_of.names
        for element in definitions.children(path).values()
        if element.choice_of
    }
    return {name.removeprefix(stem) for name in choices[f"{path}.{stem}[x]"]}


def code_values(definitions: Definitions, path: str) -> list[str]:
    binding = definitions.codes(path)
    assert binding is not None
    assert binding.codes is not None
    return [code.code for code in binding.codes]


@pytest.mark.parametrize(
    ("release", "version", "date"),
    [
        ("R4", "4.0.1", "2019-11-01"),
        ("R4B", "4.3.0", "2022-05-28"),
        ("R5", "5.0.0", "2023-03-26"),
    ],
)
def test_each_release_says_what_it_is_and_where_it_came_from(release, version, date):
    definitions = load_definitions(release)
    assert (definitions.release, definitions.version) == (release, version)
    assert (definitions.date, definitions.licence) == (date, "CC0-1.0")
    for source in definitions.sources:
        assert source.artifact.startswith("ca.uhn.hapi.fhir:hapi-fhir-validation-resources-r")
        assert len(bytes.fromhex(source.sha256)) == 32
    assert definitions.sources


def test_another_release_is_refused_with_those_that_there_are():
    with pytest.raises(ArtifactError) as refused:
        load_definitions("STU3")
    (issue,) = refused.value.issues
    assert issue.number == 4801
    assert "R4, R4B, R5" in issue.text


def test_a_release_is_read_once():
    assert load_definitions("R4") is load_definitions("R4")


@pytest.mark.parametrize("release", RELEASES)
def test_every_element_can_be_read_and_its_type_is_there(release):
    definitions = load_definitions(release)
    for name in definitions.type_names():
        for child in definitions.children(name).values():
            assert child.type in definitions.type_names(), child
            if definitions.primitive(child.type) is None:
                assert definitions.children(child.content), child
            else:
                assert not definitions.children(child.content), child


@pytest.mark.parametrize("release", RELEASES)
def test_every_required_binding_to_hl7s_own_codes_is_listed(release):
    definitions = load_definitions(release)
    unlisted = {
        child.binding.value_set.rpartition("/")[2]
        for name in definitions.type_names()
        for child in definitions.children(name).values()
        if child.binding and child.binding.strength == "required" and child.binding.codes is None
    }
    # Of other organizations, and too many: BCP 13, BCP 47, ISO 4217, UCUM.
    assert unlisted <= {"mimetypes", "all-languages", "currencies", "ucum-units"}


def test_observation_status_and_code_are_mandatory(r4):
    status, code = r4.element("Observation.status"), r4.element("Observation.code")
    assert (status.min, status.max, status.type, status.is_modifier) == (1, 1, "code", True)
    assert (code.min, code.max, code.type, code.is_modifier) == (1, 1, "CodeableConcept", False)
    assert code_values(r4, "Observation.status") == [
        "registered", "preliminary", "final", "amended", "corrected", "cancelled",
        "entered-in-error", "unknown",
    ]  # fmt: skip


def test_observation_value_has_the_types_of_r4(r4):
    expected = {
        "Quantity", "CodeableConcept", "String", "Boolean", "Integer", "Range", "Ratio",
        "SampledData", "Time", "DateTime", "Period",
    }  # fmt: skip
    assert names_with_stem(r4, "Observation", "value") == expected
    assert names_with_stem(r4, "Observation.component", "value") == expected


def test_observation_value_has_more_types_in_r5(r4, r5):
    added = names_with_stem(r5, "Observation", "value") - names_with_stem(
        r4, "Observation", "value"
    )
    assert added == {"Attachment", "Reference"}


def test_a_component_has_its_own_members_and_those_of_a_backbone_element(r4):
    children = r4.children("Observation.component")
    plain = [name for name, child in children.items() if child.choice_of is None]
    assert plain == [
        "id", "extension", "modifierExtension", "code", "dataAbsentReason", "interpretation",
        "referenceRange",
    ]  # fmt: skip
    assert children["code"].min == 1
    assert children["modifierExtension"].is_modifier
    assert children["interpretation"].is_list


def test_a_mandatory_choice_is_told_from_its_members(r4):
    (given,) = {child.choice_of for child in r4.children("MedicationRequest").values()
                if child.choice_of and child.choice_of.path.endswith("medication[x]")}  # fmt: skip
    assert given.min == 1
    assert given.names == ("medicationCodeableConcept", "medicationReference")
    assert all(r4.element(f"MedicationRequest.{name}").min == 0 for name in given.names)
    assert r4.element("Observation.valueQuantity").choice_of.min == 0


def test_a_medication_is_one_element_in_r5(r5):
    medication = r5.element("MedicationRequest.medication")
    assert (medication.type, medication.min, medication.targets) == (
        "CodeableReference",
        1,
        ("Medication",),
    )
    assert r5.element("MedicationRequest.medicationCodeableConcept") is None
    assert r5.element("MedicationRequest.medication.concept.coding.code").type == "code"
    assert r5.element("MedicationRequest.medication.reference.reference").type == "string"


def test_a_care_plan_activity_has_its_detail_in_r4(r4):
    detail = r4.element("CarePlan.activity.detail")
    assert (detail.type, detail.max) == ("BackboneElement", 1)
    assert r4.element("CarePlan.activity.detail.status").min == 1
    assert "stopped" in code_values(r4, "CarePlan.activity.detail.status")
    assert r4.element("CarePlan.activity.detail.scheduledTiming.repeat.frequency").type == (
        "positiveInt"
    )
    assert r4.element("CarePlan.activity.detail.performer").targets[:2] == (
        "Practitioner",
        "PractitionerRole",
    )


def test_a_care_plan_activity_is_a_planned_reference_in_r5(r4, r5):
    assert r4.element("CarePlan.activity.reference").type == "Reference"
    assert r4.element("CarePlan.activity.plannedActivityReference") is None
    assert r5.element("CarePlan.activity.reference") is None
    assert r5.element("CarePlan.activity.detail") is None
    assert r5.element("CarePlan.activity.plannedActivityReference").type == "Reference"


def test_an_encounter_class_is_a_coding_in_r4_and_a_list_of_concepts_in_r5(r4, r5):
    before, after = r4.element("Encounter.class"), r5.element("Encounter.class")
    assert (before.type, before.min, before.is_list) == ("Coding", 1, False)
    assert (after.type, after.min, after.is_list) == ("CodeableConcept", 0, True)
    assert r4.codes("Encounter.class").find("AMB").system.endswith("v3-ActCode")


def test_units_of_time_are_bound_to_seven_codes(r4):
    binding = r4.codes("Timing.repeat.periodUnit")
    assert binding.strength == "required"
    assert code_values(r4, "Timing.repeat.periodUnit") == ["s", "min", "h", "d", "wk", "mo", "a"]
    assert {code.system for code in binding.codes} == {"http://unitsofmeasure.org"}
    assert binding.find("wk").display == "week"
    assert binding.find("week") is None


def test_a_goal_has_the_lifecycle_of_r4(r4):
    assert code_values(r4, "Goal.lifecycleStatus") == [
        "proposed", "planned", "accepted", "active", "on-hold", "completed", "cancelled",
        "entered-in-error", "rejected",
    ]  # fmt: skip
    assert r4.element("Goal.description").min == 1


def test_a_code_is_found_by_its_system_too(r4):
    binding = r4.codes("Condition.clinicalStatus")
    system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    assert binding.find("active", system).display == "Active"
    assert binding.find("active", "http://example.org") is None


def test_only_types_that_hold_codes_are_bound(r4):
    assert r4.codes("CarePlan.activity.detail.productCodeableConcept").strength == "example"
    assert r4.codes("CarePlan.activity.detail.productReference") is None
    assert r4.codes("Observation.valueQuantity") is None
    assert r4.codes("Observation.nothing") is None


def test_a_value_set_that_needs_a_server_is_not_listed(r4):
    binding = r4.codes("Attachment.contentType")
    assert binding.strength == "required"
    assert binding.codes is None
    assert binding.find("text/plain") is None


@pytest.mark.parametrize(
    ("path", "defined_at", "type_name"),
    [
        ("Observation.component.valueQuantity.unit", "Quantity.unit", "string"),
        ("Observation.effectiveDateTime", "Observation.effective[x]", "dateTime"),
        ("Condition.onsetAge.value", "Quantity.value", "decimal"),
        ("Observation.component[1].code.coding[0].system", "Coding.system", "uri"),
        (
            "QuestionnaireResponse.item.item.answer",
            "QuestionnaireResponse.item.answer",
            "BackboneElement",
        ),
        (
            "QuestionnaireResponse.item.answer.item.item.answer.valueCoding.code",
            "Coding.code",
            "code",
        ),
        (
            "Observation.component.referenceRange.low.value",
            "Quantity.value",
            "decimal",
        ),
        ("Bundle.entry.link.relation", "Bundle.link.relation", "string"),
        ("Bundle.entry.resource.id", "Resource.id", "id"),
        ("Patient.contained.meta.profile", "Meta.profile", "canonical"),
        ("Patient.text.div", "Narrative.div", "xhtml"),
        ("Quantity.code", "Quantity.code", "code"),
    ],
)
def test_a_path_goes_through_datatypes_choices_and_content_references(
    r4, path, defined_at, type_name
):
    element = r4.element(path)
    assert (element.path, element.type) == (defined_at, type_name)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "Observation",
        "Nothing",
        "Nothing.status",
        "Observation.value[x]",
        "Observation.value",
        "Observation.valueMoney",
        "Observation.Status",
        "Observation.status.code",
        "Observation.valueQuantity.units",
        "Observation.",
        "Observation..status",
        "Observation.resourceType",
        "Observation.component.component",
        "QuestionnaireResponse.item.answer.answer",
    ],
)
def test_what_fhir_does_not_have_is_none(r4, path):
    assert r4.element(path) is None


def test_what_has_no_members_has_no_children(r4):
    for path in ("Nothing", "Nothing.status", "Observation.status", "Observation.nothing", "code"):
        assert not r4.children(path)


def test_children_cannot_be_changed(r4):
    with pytest.raises(TypeError):
        r4.children("Observation")["status"] = None


def test_a_primitive_has_a_second_member_for_id_and_extensions(r4):
    element = r4.element("Patient._birthDate")
    assert (element.json_name, element.type) == ("_birthDate", "Element")
    assert list(r4.children("Patient._birthDate")) == ["id", "extension"]
    assert r4.element("Patient._birthDate.extension.valueCode").type == "code"
    assert r4.element("HumanName._given").is_list
    assert r4.element("Patient._name") is None
    assert r4.element("Narrative._div") is None
    assert "_birthDate" not in r4.children("Patient")


def test_a_simple_quantity_has_no_comparator(r4):
    assert r4.element("Observation.referenceRange.low").type == "Quantity"
    assert r4.element("Observation.referenceRange.low.comparator").max == 0
    assert r4.element("Observation.valueQuantity.comparator").max == 1
    assert r4.element("Dosage.doseAndRate.doseQuantity.comparator").max == 0
    assert r4.datatype("SimpleQuantity").constrains == "Quantity"


def test_reference_targets_are_resource_types_and_none_means_any(r4):
    assert r4.element("Observation.subject").targets == ("Patient", "Group", "Device", "Location")
    assert r4.element("Observation.focus").targets == ()
    assert r4.element("QuestionnaireResponse.questionnaire").targets == ("Questionnaire",)


def test_resources_and_datatypes_are_kept_apart(r4, r5):
    assert r4.resource("Observation").base == "DomainResource"
    assert r4.resource("Observation").url == "http://hl7.org/fhir/StructureDefinition/Observation"
    assert r4.resource("DomainResource").is_abstract
    assert r4.resource("Quantity") is None
    assert r4.datatype("Observation") is None
    assert r4.datatype("Quantity").kind == "complex-type"
    assert r4.datatype("dateTime").kind == "primitive-type"
    assert r4.datatype("CodeableReference") is None
    assert r5.datatype("CodeableReference").kind == "complex-type"


def test_invariants_are_those_of_the_type_and_its_bases(r4, r5):
    keys = [rule.key for rule in r4.resource("Observation").invariants]
    assert keys == ["dom-2", "dom-3", "dom-4", "dom-5", "dom-6", "obs-6", "obs-7", "obs-3"]
    rules = {rule.key: rule for rule in r4.resource("Observation").invariants}
    assert rules["obs-6"].expression == "dataAbsentReason.empty() or value.empty()"
    assert rules["obs-6"].severity == "error"
    assert rules["dom-6"].severity == "warning"
    assert rules["obs-3"].path == "Observation.referenceRange"
    assert rules["dom-2"].path == "Observation"
    assert [rule.key for rule in r4.datatype("SimpleQuantity").invariants] == [
        "ele-1", "qty-3", "sqty-1",
    ]  # fmt: skip
    assert "obs-8" in [rule.key for rule in r5.resource("Observation").invariants]


@pytest.mark.parametrize(
    ("path", "wrong_name", "expected"),
    [
        ("Observation", "Status", "status"),
        ("Observation", "catagory", "category"),
        ("Observation.component", "interpretations", "interpretation"),
        ("Observation", "valueQuantitty", "valueQuantity"),
        ("Observation.valueQuantity", "units", "unit"),
        ("CarePlan.activity", "details", "detail"),
        ("Goal", "lifeCycleStatus", "lifecycleStatus"),
    ],
)
def test_a_misspelt_name_gets_the_right_one_first(r4, path, wrong_name, expected):
    assert r4.suggest(path, wrong_name)[0] == expected


@pytest.mark.parametrize("wrong_name", ["medication", "medication[x]", "medicationText"])
def test_the_stem_of_a_choice_gives_its_names(r4, wrong_name):
    assert r4.suggest("MedicationRequest", wrong_name) == [
        "medicationCodeableConcept",
        "medicationReference",
    ]


def test_nothing_near_gives_nothing(r4):
    assert r4.suggest("Observation", "qqqqqq") == []
    assert r4.suggest("Nothing", "status") == []
