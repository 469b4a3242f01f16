"""Plans: chains, causes, goals and doses are consistent over a patient's year."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

from fhir_backpain.clinic.clinic import Clinic
from fhir_backpain.clinic.treatments import INVASIVE
from fhir_backpain.mapping.library import load_library
from fhir_backpain.validation.record import RecordChecker

Records = list[dict[str, Any]]


def _plans(records: Records) -> Records:
    return [record for record in records if record["record"] == "care-plan"]


def test_each_plan_but_the_first_replaces_the_one_before(
    by_patient: dict[str, Records],
) -> None:
    counts = []
    for own in by_patient.values():
        first, *later = plans = _plans(own)
        assert "revision_of" not in first
        assert [plan["revision_of"] for plan in later] == [plan["id"] for plan in plans[:-1]]
        assert {plan["status"] for plan in plans[:-1]} <= {"completed", "revoked"}
        whole_year = sum(record["record"] == "assessment" for record in own) == 5
        assert plans[-1]["status"] == ("completed" if whole_year else "active")
        counts.append(len(later))
        assert len(later) >= 1 or not whole_year
    assert {1, 2, 3} <= set(counts) <= {0, 1, 2, 3}


def test_history_has_a_replaced_plan_first_active_then_closed(history: Records) -> None:
    seen: dict[str, list[str]] = {}
    known: set[str] = set()
    for plan in _plans(history):
        seen.setdefault(plan["id"], []).append(plan["status"])
        if "revision_of" in plan:
            assert plan["revision_of"] in known
            assert seen[plan["revision_of"]][-1] != "active"
        known.add(plan["id"])
    shapes = {tuple(statuses) for statuses in seen.values()}
    assert shapes == {("active",), ("active", "completed"), ("active", "revoked")}


def test_plans_address_causes_that_an_earlier_assessment_names(
    by_patient: dict[str, Records],
) -> None:
    for own in by_patient.values():
        named: set[tuple[str, str | None]] = set()
        for record in own:
            for cause in record.get("causes", ()):
                named.add((cause["cause"], cause.get("side")))
            for cause in record.get("addresses", ()):
                assert (cause["cause"], cause.get("side")) in named


def test_goals_keep_their_ids_and_get_an_achievement(by_patient: dict[str, Records]) -> None:
    reached = set()
    for own in by_patient.values():
        plans = _plans(own)
        fixed = [
            [(g["id"], g["measure"], g["target"], g["start"], g["due"]) for g in plan["goals"]]
            for plan in plans
        ]
        assert all(goals == fixed[0] for goals in fixed)
        for goal in plans[-1]["goals"]:
            assert date.fromisoformat(goal["start"]) < date.fromisoformat(goal["due"])
            reached.add(goal["achievement"])
    assert {"achieved", "not-achieved"} <= reached


def test_no_two_siblings_have_the_same_identity(history: Records) -> None:
    for plan in _plans(history):
        for name in ("goals", "activities", "medications"):
            ids = [entry["id"] for entry in plan.get(name, ())]
            assert len(ids) == len(set(ids))
        treatments = [activity["treatment"] for activity in plan["activities"]]
        assert len(treatments) == len(set(treatments))
        team = [entry["member"]["identifier"]["value"] for entry in plan["care_team"]]
        assert len(team) == len(set(team))


def test_an_order_that_goes_on_is_the_same_and_one_left_out_has_ended(
    by_patient: dict[str, Records],
) -> None:
    open_words = {"active", "draft", "on-hold"}
    for own in by_patient.values():
        plans = _plans(own)
        for plan, following in pairwise(plans):
            for name in ("activities", "medications"):
                next_ids = {entry["id"] for entry in following.get(name, ())}
                for entry in plan.get(name, ()):
                    assert (entry["status"] in open_words) == (entry["id"] in next_ids)


def test_revisions_raise_doses_add_exercise_and_reach_invasive_care(records: Records) -> None:
    plans = _plans(records)
    summaries = {plan["summary"].split(":")[0] for plan in plans}
    assert len(summaries) >= 6
    treatments = {a["treatment"] for plan in plans for a in plan["activities"]}
    injections = {"nerve-root-block", "epidural-injection", "facet-denervation"}
    surgery = {"lumbar-discectomy", "laminectomy", "lumbar-fusion"}
    assert treatments & injections
    first = [plan for plan in plans if "revision_of" not in plan]
    assert not {a["treatment"] for plan in first for a in plan["activities"]} & (
        injections | surgery
    )
    operated = {p["id"] for p in plans for a in p["activities"] if a["treatment"] in surgery}
    assert len(operated) < 12


def test_a_raised_dose_is_a_new_order_of_the_same_medication(
    by_patient: dict[str, Records],
) -> None:
    raised = 0
    for own in by_patient.values():
        plans = _plans(own)
        for plan, following in pairwise(plans):
            if "dose is raised" not in following["summary"]:
                continue
            before = {m["medication"]: m for m in plan["medications"]}
            after = {m["medication"]: m for m in following["medications"]}
            changed = [name for name in before if after[name]["id"] != before[name]["id"]]
            assert len(changed) == 1
            old, new = before[changed[0]], after[changed[0]]
            assert old["status"] == "stopped"
            daily = [m["dose"]["value"] * m["schedule"]["frequency"] for m in (old, new)]
            assert daily[0] < daily[1]
            raised += 1
    assert raised > 5


def test_a_revised_plan_says_why(records: Records) -> None:
    plans = _plans(records)
    assert all(("reason" in plan) == ("revision_of" in plan) for plan in plans)
    assert len({plan["reason"] for plan in plans if "reason" in plan}) >= 5


def test_invasive_care_is_listed_last_and_told_why(history: Records) -> None:
    invasive = 0
    for plan in _plans(history):
        last = [a["treatment"] in INVASIVE for a in plan["activities"]]
        assert last == sorted(last)
        assert not all(last)
        for activity in plan["activities"]:
            if activity["treatment"] in INVASIVE:
                assert activity["reason"]
                assert activity["performer"]["identifier"]["value"]
                invasive += 1
    assert invasive


def test_one_leads_the_team(records: Records) -> None:
    for plan in _plans(records):
        leads = [member for member in plan["care_team"] if member.get("lead")]
        assert [lead["member"] for lead in leads] == [plan["author"]]


def test_nothing_is_ordered_that_must_not_be_given_or_is_not_wanted(history: Records) -> None:
    barred = stances = 0
    for plan in _plans(history):
        ordered = {a["treatment"] for a in plan["activities"]}
        ordered |= {m["medication"] for m in plan.get("medications", ())}
        for one in plan.get("contraindications", ()):
            assert one.get("treatment", one.get("medication")) not in ordered
            barred += 1
        for one in plan.get("preferences", ()):
            assert one["stance"] == "prefers" or one["treatment"] not in ordered
            stances += one["stance"] == "declines"
    assert barred
    assert stances


def test_a_titration_goes_up_day_by_day_to_the_usual_dose(records: Records) -> None:
    steps = [m["titration"] for p in _plans(records) for m in p.get("medications", ())
             if "titration" in m]  # fmt: skip
    assert steps
    for first, last in steps:
        assert (first["step"], last["step"]) == (1, 2)
        assert first["end"] < last["start"]
        daily = [one["dose"]["value"] * one["schedule"]["frequency"] for one in (first, last)]
        assert daily == [300, 600]


def test_the_record_check_finds_nothing_in_a_plan(clinic: Clinic) -> None:
    library = load_library()
    checker = RecordChecker(library.vocabulary, library.ranges)
    small = Clinic(seed=clinic.seed, patients=30)
    plans = _plans(list(small.history()))
    assert [str(issue) for plan in plans for issue in checker.check(plan)] == []
