import copy
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fhir_backpain.outcome import Issue, SourceLocation
from fhir_backpain.validation.record import RecordChecker
from fhir_backpain.validation.record_predicate import compile_predicate
from fhir_backpain.validation.record_schema import record_validators, schemas

Record = dict[str, Any]

HEADER: Record = {
    "id": "r-1",
    "source": "https://clinic.example/emr",
    "recorded_at": "2026-03-09T15:00:00.5Z",
    "test_data": True,
    "patient": {
        "identifier": {"system": "urn:oid:2.16.840.1.113883.19", "value": "MRN 7"},
        "name": {"family": "Zimmerli", "given": ["Quintus"]},
        "gender": "female",
        "birth_date": "1980-02",
    },
    "encounter": {
        "id": "v-1",
        "setting": "clinic",
        "start": "2026-03-09T14:00:00+01:00",
        "end": "2026-03-09T14:30:00+01:00",
    },
    "author": {"identifier": {"system": "urn:x:staff", "value": "12"}, "name": "Dr. O"},
}
ASSESSMENT: Record = {
    "record": "assessment",
    **HEADER,
    "assessed_at": "2026-03-09T14:05:00+01:00",
    "pain": {
        "onset": "2026",
        "ratings": [
            {"site": "low-back", "scale": "pain-nrs", "score": 7},
            {"site": "leg", "side": "left", "scale": "pain-nrs", "missing_reason": "not-asked"},
        ],
    },
    "scores": [
        {"measure": "odi", "score": Decimal("42.50"), "questionnaire": "odi"},
        {"measure": "startback", "level": "medium"},
    ],
    "questionnaires": [
        {"instrument": "odi", "items": [{"id": "1", "value": 3}, {"id": "2", "value": 4}]}
    ],
    "examination": [
        {"finding": "straight-leg-raise", "side": "left", "present": True},
        {"finding": "flexion", "value": 40, "note": "hurts\nat the end"},
    ],
    "red_flags": [{"flag": "fever", "present": False}],
    "causes": [{"cause": "disc-herniation", "certainty": "confirmed", "status": "active"}],
    "factors": [{"factor": "obesity", "status": "active"}],
    "investigations": [{"id": "i1", "test": "mri", "status": "active"}],
    "work_status": {"status": "fit", "days_off": 3},
}
CARE_PLAN: Record = {
    "record": "care-plan",
    **HEADER,
    "written_at": "2026-03-09",
    "status": "active",
    "intent": "plan",
    "period": {"start": "2026-03-09", "end": "2026-06-09"},
    "addresses": [{"cause": "disc-herniation"}],
    "goals": [
        {
            "id": "g1",
            "description": "Walk for an hour",
            "status": "active",
            "start": "2026-03-09",
            "due": "2026-06-09",
            "measure": "odi",
            "target": 20,
        }
    ],
    "activities": [
        {
            "id": "a1",
            "treatment": "exercise-therapy",
            "status": "active",
            "start": "2026-03-09",
            "end": "2026-05-09",
            "schedule": {
                "frequency": 2,
                "period": 1,
                "period_unit": "wk",
                "duration": 30,
                "duration_unit": "min",
            },
            "sessions": 12,
        }
    ],
    "medications": [
        {
            "id": "m1",
            "medication": "ibuprofen-600mg",
            "status": "active",
            "dose": {"value": 600, "unit": "mg"},
        }
    ],
    "care_team": [
        {
            "member": {"identifier": {"system": "urn:x:staff", "value": "9"}},
            "role": "physiotherapist",
        }
    ],
}
OBSERVATION: Record = {
    "record": "observation",
    **HEADER,
    "observed_at": "2026-03-09T08:00:00Z",
    "measure": "odi",
    "score": Decimal("12.0"),
}
RECORDS = {one["record"]: one for one in (ASSESSMENT, CARE_PLAN, OBSERVATION)}

VOCABULARY = {
    "scale": ["pain-nrs"],
    "measure": {"odi", "startback"},
    "instrument": {"odi"},
    "finding": {"straight-leg-raise", "flexion"},
    "flag": {"fever"},
    "cause": {"disc-herniation", "spinal-stenosis"},
    "factor": {"obesity"},
    "test": {"mri"},
    "treatment": {"exercise-therapy"},
    "medication": {"ibuprofen-600mg"},
}
RANGES = {
    "pain-nrs": (Decimal(0), Decimal(10)),
    "odi": (Decimal(0), Decimal(100)),
}
CHECKER = RecordChecker(VOCABULARY, RANGES)


def changed(record: Record, pointer: str, value: Any) -> Record:
    """Return the record with one value set; `...` takes it away, "+" adds to a list."""
    result = copy.deepcopy(record)
    *steps, last = pointer.split("/")[1:]
    node: Any = result
    for step in steps:
        node = node[int(step)] if isinstance(node, list) else node[step]
    if isinstance(node, list) and last == "+":
        node.append(value)
    elif value is ...:
        del node[last]
    else:
        node[int(last) if isinstance(node, list) else last] = value
    return result


def problems(issues: list[Issue]) -> list[tuple[int, str | None]]:
    return [(issue.number, issue.source.pointer if issue.source else None) for issue in issues]


@pytest.mark.parametrize("name", RECORDS)
def test_a_good_record_has_no_issue(name: str) -> None:
    assert CHECKER.check(RECORDS[name]) == []
    assert RecordChecker().check(RECORDS[name]) == []


@pytest.mark.parametrize(
    ("name", "pointer", "value", "number", "place", "words"),
    [
        # required, unknown, types
        ("assessment", "/assessed_at", ..., 4003, "/assessed_at", '"assessed_at" is missing'),
        ("observation", "/patient/identifier", ..., 4003, "/patient/identifier", "missing"),
        ("observation", "/meassure", "x", 4004, "/meassure", 'mean "measure"'),
        ("observation", "/patient/birthDate", "1980", 4004, "/patient/birthDate", '"birth_date"'),
        ("assessment", "/pain/ratings/0/scal", 1, 4004, "/pain/ratings/0/scal", 'mean "scale"'),
        ("assessment", "/a~1b~1c", 1, 4004, "/a~01b~01c", "not known"),
        ("observation", "/score", "7", 4005, "/score", "a number, found a text of 1 character"),
        ("observation", "/score", True, 4005, "/score", "found true or false"),
        ("observation", "/score", 7.5, 4005, "/score", "a number"),
        ("observation", "/patient", [1], 4005, "/patient", "found a list of 1 entry"),
        ("observation", "/test_data", "true", 4005, "/test_data", "true or false"),
        ("observation", "/encounter", None, 4005, "/encounter", "found null"),
        ("assessment", "/scores/1", "odi", 4005, "/scores/1", "an object in braces"),
        ("assessment", "/work_status/days_off", Decimal("3.0"), 4005, "/work_status/days_off",
         "a whole number without a decimal point, found a decimal number"),
        # words of a list
        ("assessment", "/causes/0/certainty", "confrmed", 4006, "/causes/0/certainty",
         'mean "confirmed"'),
        ("observation", "/patient/gender", "w", 4006, "/patient/gender",
         "Expected female, male, other or unknown, found a text of 1 character."),
        ("care-plan", "/care_team/0/role", "Physiotherapist", 4006, "/care_team/0/role",
         'mean "physiotherapist"'),
        ("observation", "/patient/gender", 5, 4006, "/patient/gender", "found a whole number"),
        # forms
        ("observation", "/id", " x", 4007, "/id", "without a space at either end"),
        ("observation", "/id", "x\n", 4007, "/id", "without control characters"),
        ("observation", "/source", "clinic", 4007, "/source", "absolute URI"),
        ("observation", "/measure", "ODI", 4007, "/measure", "lower-case letters"),
        ("observation", "/measure", "odi\n", 4007, "/measure", "lower-case letters"),
        ("observation", "/observed_at", "2026-03", 4007, "/observed_at", "2026-03-09"),
        ("observation", "/observed_at", "2026-03-09T08:00:00", 4007, "/observed_at", "time zone"),
        ("observation", "/observed_at", "2026-03-09T08:00Z", 4007, "/observed_at", "seconds"),
        ("observation", "/observed_at", "09.03.2026", 4007, "/observed_at", "2026-03-09"),
        ("observation", "/observed_at", "2026-03-09\n", 4007, "/observed_at", "2026-03-09"),
        ("observation", "/recorded_at", "2026-03-09", 4007, "/recorded_at", "with seconds"),
        ("observation", "/recorded_at", "2026-03-09T23:59:60Z", 4007, "/recorded_at", "seconds"),
        ("observation", "/note", "a\0b", 4007, "/note", "without control characters"),
        ("observation", "/note", "   ", 4007, "/note", "readable text"),
        # dates that no calendar has
        ("observation", "/observed_at", "2026-02-30", 4008, "/observed_at", "does not exist"),
        ("observation", "/recorded_at", "2026-02-30T08:00:00Z", 4008, "/recorded_at", "exist"),
        ("observation", "/recorded_at", "2026-02-03T08:00:00+14:59", 4008, "/recorded_at", ""),
        ("assessment", "/pain/onset", "2025-02-29", 4008, "/pain/onset", "does not exist"),
        ("assessment", "/pain/onset", "0000", 4008, "/pain/onset", "does not exist"),
        ("care-plan", "/goals/0/start", "2025-04-31", 4008, "/goals/0/start", "does not exist"),
        # sizes
        ("observation", "/id", "x" * 129, 4009, "/id", "1 to 128 characters, found 129"),
        ("observation", "/note", "\0" * 2_000_000, 4009, "/note", "found 2000000"),
        ("observation", "/note", "", 4009, "/note", "1 to 4000 characters, found 0"),
        ("assessment", "/scores", [], 4009, "/scores", "1 to 200 entries, found 0"),
        ("assessment", "/work_status", {}, 4009, "/work_status", "status or days_off"),
        # ranges
        ("assessment", "/work_status/days_off", -1, 4010, "/work_status/days_off", "0 to 3660"),
        ("care-plan", "/activities/0/sessions", 1001, 4010, "/activities/0/sessions", "1 to 1000"),
        ("care-plan", "/medications/0/dose/value", 0, 4010, "/medications/0/dose/value", "above 0"),
        ("assessment", "/pain/ratings/0/score", 11, 4010, "/pain/ratings/0/score", "0 to 10"),
        ("assessment", "/scores/0/score", Decimal("100.1"), 4010, "/scores/0/score", "0 to 100"),
        ("observation", "/score", Decimal("-0.5"), 4010, "/score", "0 to 100"),
        ("care-plan", "/goals/0/target", 101, 4010, "/goals/0/target", "0 to 100"),
        # fields that depend on each other
        ("observation", "/score", ..., 4011, "", "One of score, level or missing_reason is needed"),
        ("observation", "/level", "low", 4011, "", "score and level are"),
        ("assessment", "/scores/0/score", ..., 4011, "/scores/0", "none is given"),
        ("assessment", "/examination/0/value", 1, 4011, "/examination/0", "present and value are"),
        ("care-plan", "/goals/0/measure", ..., 4012, "/goals/0", '"target" needs measure'),
        ("care-plan", "/activities/0/schedule/duration_unit", ..., 4012, "/activities/0/schedule",
         '"duration" needs duration_unit'),
        # the same thing twice
        ("assessment", "/pain/ratings/+",
         {"site": "low-back", "scale": "pain-nrs", "score": 2}, 4020, "/pain/ratings/2",
         "scale, site and side are given at /pain/ratings/0"),
        ("assessment", "/scores/+", {"measure": "odi", "score": 1}, 4020, "/scores/2", "/scores/0"),
        ("assessment", "/questionnaires/+",
         {"instrument": "odi", "items": [{"id": "1", "value": 1}]}, 4020, "/questionnaires/1",
         "The same instrument is given at /questionnaires/0"),
        ("assessment", "/questionnaires/0/items/+", {"id": "2", "value": 1}, 4020,
         "/questionnaires/0/items/2", "/questionnaires/0/items/1"),
        ("assessment", "/causes/+", {"cause": "disc-herniation", "certainty": "refuted"}, 4020,
         "/causes/1", "/causes/0"),
        ("assessment", "/red_flags/+", {"flag": "fever", "present": True}, 4020, "/red_flags/1",
         "/red_flags/0"),
        ("care-plan", "/goals/+",
         {"id": "g1", "description": "x", "status": "active", "start": "2026-03-09"}, 4020,
         "/goals/1", "The same id is given at /goals/0"),
        ("care-plan", "/activities/+",
         {"id": "a1", "treatment": "exercise-therapy", "status": "draft"}, 4020, "/activities/1",
         "/activities/0"),
        ("care-plan", "/medications/+",
         {"id": "m1", "medication": "ibuprofen-600mg", "status": "draft"}, 4020, "/medications/1",
         "/medications/0"),
        # times in the wrong order
        ("care-plan", "/period/end", "2026-03-08", 4021, "/period/end", '"end" lies before'),
        ("observation", "/encounter/end", "2026-03-09T12:59:59Z", 4021, "/encounter/end", "before"),
        ("care-plan", "/activities/0/end", "2026-01-01", 4021, "/activities/0/end", "before"),
        ("care-plan", "/goals/0/due", "2026-03-08", 4021, "/goals/0/due", '"due" lies before'),
        # references and keys
        ("assessment", "/questionnaires", ..., 4022, "/scores/0/questionnaire", "not among"),
        ("assessment", "/causes/0/cause", "disc-hernation", 4023, "/causes/0/cause",
         'Did you mean "disc-herniation"?'),
        ("assessment", "/pain/ratings/0/scale", "pain-vas", 4023, "/pain/ratings/0/scale",
         "Expected pain-nrs"),
        ("assessment", "/examination/0/finding", "x", 4023, "/examination/0/finding", "flexion"),
        ("assessment", "/red_flags/0/flag", "x", 4023, "/red_flags/0/flag", "fever"),
        ("assessment", "/factors/0/factor", "x", 4023, "/factors/0/factor", "obesity"),
        ("assessment", "/investigations/0/test", "x", 4023, "/investigations/0/test", "mri"),
        ("care-plan", "/addresses/0/cause", "x", 4023, "/addresses/0/cause", "spinal-stenosis"),
        ("care-plan", "/activities/0/treatment", "x", 4023, "/activities/0/treatment", "exercise"),
        ("care-plan", "/medications/0/medication", "x", 4023, "/medications/0/medication", "ibu"),
        ("observation", "/measure", "rmdq", 4023, "/measure", "odi or startback"),
    ],
)  # fmt: skip
def test_one_fault_gives_one_issue_at_its_place(
    name: str, pointer: str, value: Any, number: int, place: str, words: str
) -> None:
    issues = CHECKER.check(changed(RECORDS[name], pointer, value))
    found = [pair for pair in problems(issues) if pair[0] != 4023 or number == 4023]
    assert found == [(number, place)]
    assert words in next(issue.text for issue in issues if issue.number == number)
    assert all(issue.next_step for issue in issues)


def test_all_problems_are_told_at_once_in_the_order_of_the_record() -> None:
    bad = changed(ASSESSMENT, "/patient/gender", "x")
    bad = changed(bad, "/scores/0/score", "x")
    bad = changed(bad, "/scores/1/measure", "odi")
    bad = changed(bad, "/encounter/end", "2026-03-08")
    bad = changed(bad, "/assessed_at", ...)
    bad = changed(bad, "/colour", 1)
    assert problems(CHECKER.check(bad)) == [
        (4003, "/assessed_at"),
        (4004, "/colour"),
        (4006, "/patient/gender"),
        (4005, "/scores/0/score"),
        (4020, "/scores/1"),
        (4021, "/encounter/end"),
    ]


@pytest.mark.parametrize("data", [None, True, 5, Decimal("1.5"), "x", [], [{}]])
def test_what_is_no_object_is_refused(data: Any) -> None:
    assert problems(CHECKER.check(data)) == [(4001, "")]


@pytest.mark.parametrize("value", ["care_plan", "Assesment", "x", 5, None, ["assessment"], {}])
def test_an_unknown_record_type_is_refused(value: Any) -> None:
    issues = CHECKER.check({**OBSERVATION, "record": value})
    assert problems(issues) == [(4002, "/record")]
    assert "assessment, care-plan or observation" in issues[0].text
    near = {"care_plan": "care-plan", "Assesment": "assessment"}
    if isinstance(value, str) and value in near:
        assert f'mean "{near[value]}"' in issues[0].text


def test_a_record_without_a_type_is_refused() -> None:
    assert problems(CHECKER.check({})) == [(4003, "/record")]


def test_issues_name_the_record_and_can_be_moved_to_its_place() -> None:
    issue = CHECKER.check({**OBSERVATION, "score": "x"})[0]
    assert issue.source == SourceLocation(pointer="/score", record="r-1")
    here = SourceLocation(file="in.ndjson", line=3, record="r-1")
    assert issue.moved_to(here).source == here.at(pointer="/score")


def every_place(record: Any, pointer: str = "") -> list[str]:
    steps = record.items() if isinstance(record, dict) else enumerate(record)
    inner = [
        place
        for step, value in steps
        if isinstance(value, dict | list)
        for place in every_place(value, f"{pointer}/{step}")
    ]
    steps = record.items() if isinstance(record, dict) else enumerate(record)
    return [f"{pointer}/{step}" for step, _ in steps] + inner


@pytest.mark.parametrize("name", RECORDS)
def test_no_text_repeats_a_value_of_the_record(name: str) -> None:
    secret = "xSECRETx"
    for pointer in every_place(RECORDS[name]):
        if pointer in ("/record", "/id"):
            continue
        for value in (secret, secret * 1000, [secret], {"system": secret}):
            for issue in CHECKER.check(changed(RECORDS[name], pointer, value)):
                assert secret not in str(issue), pointer


ODD: list[Any] = [
    None, True, False, 0, -1, Decimal("0.5"), 10**30, "", "x", "2026-01-01", "2026-02-30",
    "2026-01-01T00:00:00Z", "a\nb", "x\n", "left", "unknown", [], {}, [None], [[]], [{}],
    {"id": "x"}, {"score": 1}, "x" * 5000,
]  # fmt: skip


@st.composite
def damaged(draw: Callable[[Any], Any]) -> Record:
    record = draw(st.sampled_from(list(RECORDS.values())))
    for _ in range(draw(st.integers(0, 4))):
        pointer = draw(st.sampled_from(every_place(record)))
        if pointer != "/record":
            action = draw(st.sampled_from([..., *ODD, "another"]))
            if action is ... and pointer.rpartition("/")[2].isdigit():
                action = None
            if action == "another":
                pointer, action = pointer.rpartition("/")[0] + "/extra", 1
                if isinstance(parent_of(record, pointer), list):
                    pointer = pointer.replace("extra", "+")
            record = changed(record, pointer, action)
    return record


def parent_of(record: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:-1]:
        record = record[int(step)] if isinstance(record, list) else record[step]
    return record


@settings(max_examples=400, deadline=None)
@given(damaged())
def test_the_fast_yes_or_no_agrees_with_the_full_validator(record: Record) -> None:
    schema = schemas()[f"{record['record']}.schema.json"]
    fits = compile_predicate(schema, schema)(record)
    assert fits is record_validators()[record["record"]].is_valid(record)
    schema_issues = [issue for issue in RecordChecker().check(record) if issue.number < 4020]
    assert bool(schema_issues) is not fits


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*ASSESSMENT, *CARE_PLAN, "x"]),
        st.recursive(
            st.sampled_from(ODD),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["id", "items", "measure", "start", "end"]), inner
                )
            ),
        ),
    ),
    st.sampled_from(list(RECORDS)),
)
def test_no_data_raise_an_exception(data: Record, name: str) -> None:
    assert CHECKER.check({**data, "record": name})


def test_the_schemas_are_schemas() -> None:
    for schema in schemas().values():
        Draft202012Validator.check_schema(schema)
        assert json.loads(json.dumps(schema)) == schema


def test_a_keyword_that_the_fast_check_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="multipleOf"):
        compile_predicate({"type": "number", "multipleOf": 2}, {})
