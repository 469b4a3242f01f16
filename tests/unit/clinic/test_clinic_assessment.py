"""Assessments: scores agree with their items, siblings differ, stories make sense."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

Records = list[dict[str, Any]]


def _assessments(records: Records) -> Records:
    return [record for record in records if record["record"] == "assessment"]


def _expected(instrument: str, items: dict[str, int]) -> dict[str, Any]:
    total = sum(items.values())
    if instrument == "odi":
        return {"odi": round(total / 50 * 100)}
    if instrument == "peg":
        return {"peg": (Decimal(total) / 3).quantize(Decimal("0.1"))}
    if instrument == "startback":
        distress = sum(items[str(item)] for item in range(5, 10))
        risk = "low" if total <= 3 else "medium" if distress <= 3 else "high"
        names = ("startback-total", "startback-distress", "startback-risk")
        return dict(zip(names, (total, distress, risk), strict=True))
    if instrument == "eq5d":
        return {}
    return {instrument: total}


SIZES = {
    "odi": (10, 0, 5), "rmdq": (24, 0, 1), "phq9": (9, 0, 3), "phq2": (2, 0, 3),
    "gad7": (7, 0, 3), "peg": (3, 0, 10), "startback": (9, 0, 1), "eq5d": (5, 1, 5),
    "tsk11": (11, 1, 4), "pcs": (13, 0, 4),
}  # fmt: skip


def test_scores_agree_with_the_items_they_were_computed_from(records: Records) -> None:
    seen = set()
    for record in _assessments(records):
        scores = {s["measure"]: s for s in record["scores"]}
        for form in record.get("questionnaires", ()):
            items = {item["id"]: item["value"] for item in form["items"]}
            size, low, high = SIZES[form["instrument"]]
            assert list(items) == [str(item) for item in range(1, size + 1)]
            assert all(low <= value <= high for value in items.values())
            seen.add(form["instrument"])
            for measure, value in _expected(form["instrument"], items).items():
                score = scores[measure]
                assert score["questionnaire"] == form["instrument"]
                assert score.get("score", score.get("level")) == value
    assert seen == set(SIZES)


def test_a_score_names_only_questionnaires_of_its_own_record(records: Records) -> None:
    for record in _assessments(records):
        forms = {form["instrument"] for form in record.get("questionnaires", ())}
        named = {s["questionnaire"] for s in record["scores"] if "questionnaire" in s}
        assert named == forms


def test_risk_agrees_with_the_totals_even_without_items(records: Records) -> None:
    for record in _assessments(records):
        scores = {s["measure"]: s for s in record["scores"]}
        total, risk = scores["startback-total"], scores["startback-risk"]
        assert ("score" in total) == ("level" in risk)
        if "score" in total:
            distress = scores["startback-distress"]["score"]
            level = "low" if total["score"] <= 3 else "medium" if distress <= 3 else "high"
            assert risk["level"] == level


RANGES = {
    "pain-nrs": (0, 10), "pain-vas": (0, 100), "pain-nrs-week": (0, 10), "pain-faces": (0, 10),
    "odi": (0, 100), "rmdq": (0, 24), "qbpds": (0, 100), "psfs": (0, 10), "ndi": (0, 50),
    "peg": (0, 10), "bpi-interference": (0, 10), "bpi-severity": (0, 10), "eq5d-index": (-1, 1),
    "eq5d-vas": (0, 100), "sf12-pcs": (0, 100), "sf12-mcs": (0, 100), "startback-total": (0, 9),
    "startback-distress": (0, 5), "phq2": (0, 6), "phq9": (0, 27), "gad7": (0, 21),
    "pcs": (0, 52), "tsk11": (11, 44), "fabq-pa": (0, 24), "fabq-work": (0, 42),
    "promis-pf-t": (10, 90), "promis-pain-interference-t": (10, 90), "promis-sleep-t": (10, 90),
    "promis-depression-t": (10, 90), "promis-anxiety-t": (10, 90),
    "promis-global-physical-t": (10, 90), "promis-global-mental-t": (10, 90),
    "body-weight": (40, 160), "body-height": (150, 196), "bmi": (18, 40),
    "activity-minutes": (0, 300),
}  # fmt: skip


def test_values_lie_in_the_range_of_their_measure(records: Records) -> None:
    seen = set()
    for record in records:
        scores = [(s["measure"], s.get("score")) for s in record.get("scores", ())]
        scores += [
            (rating["scale"], rating.get("score"))
            for rating in record.get("pain", {}).get("ratings", ())
        ]
        if record["record"] == "observation":
            scores.append((record["measure"], record.get("score")))
        for measure, value in scores:
            if value is not None:
                low, high = RANGES[measure]
                assert low <= value <= high, measure
                assert isinstance(value, int | Decimal)
                seen.add(measure)
    assert seen == set(RANGES)


def test_no_two_siblings_have_the_same_identity(records: Records) -> None:
    for record in _assessments(records):
        identities = {
            "ratings": [
                (r.get("site"), r.get("side"), r["scale"]) for r in record["pain"]["ratings"]
            ],
            "scores": [s["measure"] for s in record["scores"]],
            "forms": [form["instrument"] for form in record.get("questionnaires", ())],
            "examination": [
                (f["finding"], f.get("side"), f.get("site")) for f in record.get("examination", ())
            ],
            "history": [told["aspect"] for told in record.get("history", ())],
            "flags": [flag["flag"] for flag in record["red_flags"]],
            "causes": [(cause["cause"], cause.get("side")) for cause in record["causes"]],
            "factors": [factor["factor"] for factor in record.get("factors", ())],
            "tests": [test["id"] for test in record.get("investigations", ())],
            "reports": [report["id"] for report in record.get("reports", ())],
            "procedures": [done["id"] for done in record.get("procedures", ())],
        }
        for name, keys in identities.items():
            assert len(keys) == len(set(keys)), name


def test_patients_who_answer_well_have_less_pain_after_a_year(
    by_patient: dict[str, Records],
) -> None:
    first, last = [], []
    for own in by_patient.values():
        ratings = [r["pain"]["ratings"][0].get("score") for r in _assessments(own)]
        if len(ratings) == 5 and ratings[0] is not None and ratings[-1] is not None:
            first.append(ratings[0])
            last.append(ratings[-1])
    assert len(first) > 60
    assert sum(last) < 0.7 * sum(first)
    assert any(after >= before for before, after in zip(first, last, strict=True))


def test_some_values_are_missing_with_a_reason_and_some_patients_drop_out(
    by_patient: dict[str, Records],
) -> None:
    visits = [len(_assessments(own)) for own in by_patient.values()]
    assert set(visits) == {2, 3, 4, 5}
    assert sum(count == 5 for count in visits) > 70
    scores = [s for own in by_patient.values() for r in _assessments(own) for s in r["scores"]]
    missing = [s for s in scores if "missing_reason" in s]
    assert 0.01 < len(missing) / len(scores) < 0.05


def test_an_investigation_keeps_its_id_and_is_completed_at_the_next_visit(
    by_patient: dict[str, Records],
) -> None:
    followed = 0
    for own in by_patient.values():
        first, second, *later = _assessments(own)
        asked = {t["id"]: t for t in first.get("investigations", ())}
        done = {t["id"]: t for t in second.get("investigations", ())}
        assert asked.keys() == done.keys()
        assert {t["status"] for t in asked.values()} <= {"active"}
        assert {t["status"] for t in done.values()} <= {"completed"}
        assert not any("investigations" in record for record in later)
        followed += len(asked)
    assert followed > 20


def test_every_test_that_was_asked_for_has_its_result_at_the_next_visit(
    by_patient: dict[str, Records],
) -> None:
    reported = shown = blocked = 0
    for own in by_patient.values():
        first, second, *later = _assessments(own)
        asked = {t["id"]: t["test"] for t in first.get("investigations", ())}
        reports = second.get("reports", [])
        blocks = [done for done in second.get("procedures", ()) if "request" in done]
        assert {r["request"] for r in reports} | {b["request"] for b in blocks} == asked.keys()
        for report in reports:
            assert report["test"] == asked[report["request"]]
            assert first["assessed_at"] < report["performed_at"] < report["issued_at"]
            assert report["issued_at"] < second["assessed_at"]
        assert {one["requested_in"] for one in (*reports, *blocks)} <= {first["id"]}
        assert not any("reports" in record for record in (first, *later))
        reported += len(reports)
        shown += sum("shows" in report for report in reports)
        blocked += len(blocks)
    assert reported > shown > 20
    assert blocked


def test_a_procedure_was_planned_before_and_is_told_once(history: Records) -> None:
    planned: set[tuple[str, str]] = set()
    ids = []
    for record in history:
        patient = record["patient"]["identifier"]["value"]
        planned |= {(patient, a["treatment"]) for a in record.get("activities", ())}
        for done in record.get("procedures", ()):
            ids.append(done["id"])
            assert (patient, done["procedure"]) in planned or "request" in done
            assert done["performed_at"] < record["assessed_at"]
    assert ids
    assert len(ids) == len(set(ids))


def test_the_leg_of_the_painful_side_is_never_the_better_one(records: Records) -> None:
    grades = {"strength": ["5", "4-plus", "4", "4-minus", "3", "2"]}
    seen = set()
    for record in _assessments(records):
        found: dict[tuple[str, str], dict[str, str]] = {}
        for sign in record.get("examination", ()):
            for grade in grades:
                if grade in sign:
                    found.setdefault((sign["finding"], grade), {})[sign["side"]] = sign[grade]
        painful = next((c["side"] for c in record["causes"] if "side" in c), None)
        for (_, grade), sides in found.items():
            assert painful is not None
            ranks = {side: grades[grade].index(word) for side, word in sides.items()}
            assert ranks[painful] == max(ranks.values())
            seen.add(ranks[painful])
    assert len(seen) > 2


def test_the_history_is_told_at_the_first_visit(by_patient: dict[str, Records]) -> None:
    for own in by_patient.values():
        first, *later = _assessments(own)
        assert len(first["history"]) >= 7
        assert not any("history" in record for record in later)
