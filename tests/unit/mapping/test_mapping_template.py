"""Every construct of the template language, with values that are there and values that are not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fhir_backpain.errors import ArtifactError
from fhir_backpain.fhir import json_text
from tests.records import assessment, care_plan, observation
from tests.unit.mapping.conftest import Compile, Make, run


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("plain text", "plain text"),
        ("'it''s {braced} ''twice'''", "it's {braced} 'twice'"),
        ('"say \\"hi\\" \\\\ back {{x}}"', 'say "hi" \\ back {{x}}'),
        ('"é 漢 🙂 \\u2028 \\t tab"', "é 漢 🙂 \u2028 \t tab"),
        ("'=not a slot'", "=not a slot"),
        ("5", 5),
        ("-0.25", Decimal("-0.25")),
        ("true", True),
        ("2024-01-31", "2024-01-31"),
        ("'{s[0]}'", "{s[0]}"),
        ("{}", {}),
        ("[]", []),
        ("[1, [two, {three: 3}]]", [1, ["two", {"three": 3}]]),
    ],
)
def test_a_literal_is_made_as_it_is_written(make: Make, written: str, value: object) -> None:
    assert make(f"x: {written}", assessment()) == {"x": value}


def test_member_names_may_hold_anything(make: Make) -> None:
    resource = '"a\'{b}\\"\\\\é": 1\n"first of": =id'
    assert make(resource, assessment()) == {"a'{b}\"\\é": 1, "first of": "R-1"}


def test_members_stand_in_the_order_of_the_file(compiled: Compile) -> None:
    rule = compiled("z: 1\na: =pain.onset\nm: =id\nb: {y: =pain.onset, x: 2}")
    data = assessment(pain={"onset": "2020"})
    made = rule.map(data)
    tree = json_text.parse(made[0].text)
    assert list(tree) == ["resourceType", "id", "z", "a", "m", "b"]
    assert list(tree["b"]) == ["y", "x"]


@pytest.mark.parametrize(
    ("resource", "with_onset", "without"),
    [
        ("x: =pain.onset", {"x": "2020"}, {}),
        ("x: {y: =pain.onset}", {"x": {"y": "2020"}}, {}),
        ("x: {y: =pain.onset, z: 1}", {"x": {"y": "2020", "z": 1}}, {}),
        ("x: {z: 1, y: =pain.onset}", {"x": {"z": 1, "y": "2020"}}, {}),
        ("x: {z: 1}", {"x": {"z": 1}}, {"x": {"z": 1}}),
        (
            "x: {y: =pain.onset, z: =id}",
            {"x": {"y": "2020", "z": "R-1"}},
            {"x": {"z": "R-1"}},
        ),
        ("x: [=pain.onset]", {"x": ["2020"]}, {}),
        ("x: [{y: =pain.onset}]", {"x": [{"y": "2020"}]}, {}),
        ("x: [=pain.onset, 7]", {"x": ["2020", 7]}, {"x": [7]}),
        ("x: {a: {b: {c: =pain.onset}}}", {"x": {"a": {"b": {"c": "2020"}}}}, {}),
        (
            "x: {a: {b: =pain.onset, k: 1}, c: =id}",
            {"x": {"a": {"b": "2020", "k": 1}, "c": "R-1"}},
            {"x": {"c": "R-1"}},
        ),
    ],
)
def test_an_object_or_list_goes_where_all_of_its_slots_are_empty(
    make: Make, resource: str, with_onset: object, without: object
) -> None:
    assert make(resource, assessment(pain={"onset": "2020"})) == with_onset
    assert make(resource, assessment()) == without


RATINGS = {
    "ratings": [
        {"scale": "pain-nrs", "score": 3, "site": "leg"},
        {"scale": "pain-vas", "score": Decimal("4.50")},
    ]
}


def test_each_makes_one_item_for_each_element(make: Make) -> None:
    resource = """
    x:
      - {first: true}
      - =each: pain.ratings as r
        scale: =r.scale
        score: =r.score
        where: {site: =r.site}
      - last
    """
    assert make(resource, assessment(pain=RATINGS)) == {
        "x": [
            {"first": True},
            {"scale": "pain-nrs", "score": 3, "where": {"site": "leg"}},
            {"scale": "pain-vas", "score": Decimal("4.50")},
            "last",
        ]
    }
    assert make(resource, assessment()) == {"x": [{"first": True}, "last"]}


def test_each_item_may_be_a_single_value_and_goes_where_it_is_empty(make: Make) -> None:
    resource = "x: [{=each: pain.ratings as r, item: =r.site}]"
    assert make(resource, assessment(pain=RATINGS)) == {"x": ["leg"]}
    assert make(resource, assessment()) == {}


def test_each_nests_and_sees_both_names(make: Make) -> None:
    resource = """
    x:
      - =each: questionnaires as form
        items:
          - {=each: form.items as one, form: =form.instrument, id: =one.id, of: =id}
    """
    forms = [
        {"instrument": "odi", "items": [{"id": "1", "value": 2}, {"id": "2", "value": 0}]},
        {"instrument": "peg", "items": [{"id": "3", "value": 1}]},
    ]
    assert make(resource, assessment(questionnaires=forms)) == {
        "x": [
            {
                "items": [
                    {"form": "odi", "id": "1", "of": "R-1"},
                    {"form": "odi", "id": "2", "of": "R-1"},
                ]
            },
            {"items": [{"form": "peg", "id": "3", "of": "R-1"}]},
        ]
    }


def test_when_keeps_its_body_only_where_the_condition_holds(make: Make) -> None:
    resource = """
    a: {=when: pain is present, onset: =pain.onset}
    b:
      - {=when: test_data is true, =fixed coding: meta.test}
    c: {=when: test_data is not true, item: real}
    """
    tested = make(resource, assessment(test_data=True, pain={"onset": "2020"}))
    assert tested["a"] == {"onset": "2020"}
    assert tested["b"][0]["code"] == "HTEST"
    assert "c" not in tested
    assert make(resource, assessment()) == {"c": "real"}
    assert make(resource, assessment(test_data=False, pain=RATINGS)) == {"c": "real"}


def test_first_of_takes_the_first_that_is_there(make: Make) -> None:
    resource = """
    x:
      =first of:
        - =pain.onset
        - {y: =encounter.start}
        - {=when: author is present, item: someone}
        - nothing
    """
    start = {"id": "V", "setting": "clinic", "start": "2021"}
    author = {"identifier": {"system": "urn:s", "value": "1"}}
    both = assessment(pain={"onset": "2020"}, encounter=start)
    assert make(resource, both) == {"x": "2020"}
    assert make(resource, assessment(encounter=start, author=author)) == {"x": {"y": "2021"}}
    assert make(resource, assessment(author=author)) == {"x": "someone"}
    assert make(resource, assessment()) == {"x": "nothing"}


def test_first_of_is_empty_where_all_are(make: Make) -> None:
    assert make("x: {y: {=first of: [=pain.onset, =encounter.start]}}", assessment()) == {}


FRAGMENTS = """
inner:
  parameters: [value]
  is: {v: =value}
outer:
  parameters: [value, other]
  is: [{=use: inner, value: =value}, {=use: inner, value: =other}, =id]
"""


def test_use_puts_a_fragment_in_with_its_parameters(make: Make) -> None:
    resource = "x: {=use: outer, value: =pain.onset, other: =assessed_at}"
    data = assessment(pain={"onset": "2020"})
    made = make(resource, data, fragments=FRAGMENTS)
    assert made == {"x": [{"v": "2020"}, {"v": "2024-03-04"}, "R-1"]}
    assert make(resource, assessment(), fragments=FRAGMENTS) == {"x": [{"v": "2024-03-04"}, "R-1"]}


def test_a_fragment_sees_the_elements_of_a_repetition_through_its_parameters(make: Make) -> None:
    resource = "x: [{=each: pain.ratings as r, =use: inner, value: =r.site}]"
    made = make(resource, assessment(pain=RATINGS), fragments=FRAGMENTS)
    assert made == {"x": [{"v": "leg"}]}


def test_a_parameter_comes_before_the_records_own_field_of_that_name(make: Make) -> None:
    fragment = "shadow: {parameters: [id], is: {v: =id}}"
    resource = "x: {=use: shadow, id: =assessed_at}"
    assert make(resource, assessment(), fragments=fragment) == {"x": {"v": "2024-03-04"}}


def test_what_a_fragment_does_not_read_is_not_counted_as_carried(compiled: Compile) -> None:
    fragment = "careless: {parameters: [value, lost], is: {v: =value}}"
    resource = "x: {=use: careless, value: =pain.onset, lost: =work_status.days_off}"
    (rule,) = compiled(resource, fragments=fragment).rules
    assert "pain.onset" in rule.used
    assert "work_status.days_off" not in rule.used


@pytest.mark.parametrize(
    ("resource", "line", "number", "words"),
    [
        ("x: 1\ny: {=each: pain.ratings as r, a: 1}", 8, 3001, "only in a list"),
        ("x: {a: 1, =when: id is present}", 7, 3001, "first entry"),
        ("x: {=nothing: id}", 7, 3001, "no function 'nothing'"),
        ("x: [{=each: pain.ratings, a: 1}]", 7, 3002, "path as name"),
        ("x: [{=each: pain.ratings as 9r, a: 1}]", 7, 3002, "path as name"),
        ("x: [{=each: [pain], a: 1}]", 7, 3002, "Text is expected"),
        ("x: [{=each: pain.onset as r, a: 1}]", 7, 3004, "not a list"),
        ("x: {=first of: id}", 7, 3002, "takes a list"),
        ("x: {=first of: [=id]}", 7, 3002, "takes a list"),
        ("x: {=first of: [=id, =source], y: 1}", 7, 3002, "stands alone"),
        ("x: {=use: nowhere}", 7, 3005, "no fragment 'nowhere'"),
        ("x: {=use: outer, value: =id}", 7, 3002, "value, other"),
        ("x: {=use: outer, value: =id, other: =id, more: =id}", 7, 3002, "value, other"),
        ("x: {=use: ouroboros}", 7, 3005, "uses itself"),
        ("x: =pain", 7, 3004, "not a single value"),
        ("a: 1\nb: 2\nx: =pain.onsett", 9, 3003, "Did you mean onset?"),
        ("x: =assesed_at", 7, 3003, "Did you mean assessed_at"),
        ("x: =id.more", 7, 3003, "has no parts"),
        ("x: =parameter.p", 7, 3003, "no parameter 'p'"),
        ("x: [{=each: pain.ratings as rating, y: =ratting.scale}]", 7, 3003, "mean rating"),
        ("x: {=when: id is, y: 1}", 7, 3006, "not a condition"),
    ],
)
def test_what_is_wrong_in_a_template_is_named_with_its_line(
    compiled: Compile, resource: str, line: int, number: int, words: str
) -> None:
    cycle = FRAGMENTS + "\nouroboros: {is: [{=use: ouroboros}]}"
    with pytest.raises(ArtifactError) as caught:
        compiled(resource, fragments=cycle)
    (issue,) = caught.value.issues
    assert (issue.number, words in issue.text) == (number, True), issue
    assert issue.mapping is not None
    place = (issue.mapping.file.rpartition("/")[2], issue.mapping.line)
    expected = "fragments.yaml" if "ouroboros" in resource else "m.map.yaml"
    assert place[0] == expected
    assert expected == "fragments.yaml" or place[1] == line


def test_a_resource_must_be_a_map_of_members(compiled: Compile) -> None:
    with pytest.raises(ArtifactError, match="A resource is a map"):
        compiled("=use: meta")


VISIT = {"id": "E-1", "setting": "clinic"}
STARTED = {**VISIT, "start": "2024"}
NAMED = {**observation()["patient"], "name": {"family": "Doe", "given": ["Jo", "Kim"]}}


@pytest.mark.parametrize(
    ("condition", "fits", "fits_not"),
    [
        ("score is present", {"score": 0}, {"missing_reason": "unknown"}),
        ("score is missing", {"missing_reason": "unknown"}, {"score": 0}),
        ("score is not present", {"missing_reason": "unknown"}, {"score": 0}),
        ("score is not missing", {"score": 0}, {"missing_reason": "unknown"}),
        ("test_data is true", {"test_data": True}, {}),
        ("test_data is not true", {"test_data": False}, {"test_data": True}),
        ("test_data is false", {"test_data": False}, {}),
        ("status is final", {"status": "final"}, {"status": "amended"}),
        ("status is not final", {"status": "amended"}, {"status": "final"}),
        ("measure is odi and score is present", {"score": 1}, {"score": 1, "measure": "ndi"}),
        ("encounter.start is present", {"encounter": STARTED}, {"encounter": VISIT}),
        ("encounter.start is missing", {}, {"encounter": STARTED}),
        ("encounter is present", {"encounter": VISIT}, {}),
        ("encounter is not present", {}, {"encounter": VISIT}),
        ("patient.name.given is missing", {}, {"patient": NAMED}),
        ("patient.name.given is present", {"patient": NAMED}, {}),
    ],
)
def test_a_condition_says_what_it_says(
    make: Make, condition: str, fits: dict[str, Any], fits_not: dict[str, Any]
) -> None:
    resource = f"x: {{=when: {condition}, item: yes it is}}"
    assert make(resource, observation(**fits)) == {"x": "yes it is"}
    assert make(resource, observation(**fits_not)) == {}


@pytest.mark.parametrize(
    ("condition", "number"),
    [
        ("status is fnial", 3006),
        ("score is 5", 3006),
        ("test_data is yes", 3006),
        ("encounter is clinic", 3006),
        ("note is true or false", 3006),
        ("present", 3006),
        ("scor is present", 3003),
    ],
)
def test_a_condition_that_can_never_hold_is_refused(
    compiled: Compile, condition: str, number: int
) -> None:
    with pytest.raises(ArtifactError) as caught:
        compiled(f"x: {{=when: {condition}, item: 1}}", "observation")
    assert [issue.number for issue in caught.value.issues] == [number]


def test_a_mapping_can_be_repeated_and_conditional(compiled: Compile) -> None:
    head = (
        "mapping: m\nsource: {source}\nmakes: Goal\nfor each: goals as goal\n"
        "when: goal.due is present\nbelongs to: patient\nkey: [goal, =goal.id]\n"
    )
    rule = compiled("d: =goal.due", "care-plan", head=head)
    goal = {"status": "active", "description": "Walk", "start": "2024-03-04"}
    goals = [
        {"id": "1", **goal, "due": "2024-01-01"},
        {"id": "2", **goal},
        {"id": "3", **goal, "due": "2025-01-01"},
    ]
    assert run(rule, care_plan(goals=goals)) == [{"d": "2024-01-01"}, {"d": "2025-01-01"}]
    assert run(rule, care_plan()) == []


def test_a_word_behind_a_condition_that_does_not_hold_is_not_looked_up(make: Make) -> None:
    resource = "x: {=when: test_data is true, item: {=concept: note, map: finding}}"
    assert make(resource, observation(note="no finding")) == {}


def test_the_same_slot_means_the_same_wherever_it_stands(make: Make) -> None:
    resource = """
    a: =pain.onset
    b: {=when: test_data is true, item: =pain.onset}
    c: [{=each: pain.ratings as r, o: =pain.onset, s: =r.scale}]
    d: {=first of: [{=when: test_data is true, item: =id}, =pain.onset]}
    e: [{=each: causes as r, o: =pain.onset, s: =r.cause}]
    f: [{=use: inner, value: =pain.onset}, {=use: inner, value: =id}]
    """
    ratings = [{"scale": "pain-nrs", "score": 1}, {"scale": "pain-vas", "score": 1}]
    data = assessment(
        pain={"onset": "2020", "ratings": ratings},
        causes=[{"cause": "sciatica", "certainty": "confirmed"}],
    )
    made = make(resource, data, fragments=FRAGMENTS)
    assert made == {
        "a": "2020",
        "c": [{"o": "2020", "s": "pain-nrs"}, {"o": "2020", "s": "pain-vas"}],
        "d": "2020",
        "e": [{"o": "2020", "s": "sciatica"}],
        "f": [{"v": "2020"}, {"v": "R-1"}],
    }
    tested = make(resource, {**data, "test_data": True}, fragments=FRAGMENTS)
    assert (tested["b"], tested["d"]) == ("2020", "R-1")
    assert make(resource, assessment(), fragments=FRAGMENTS) == {"f": [{"v": "R-1"}]}
