"""Every clinical concept has its code, profile, mapping, golden case and page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.concept_example import GOLDEN
from docs.concept_groups import PARTS, WORDS
from docs.concept_table import Shown, shown_concepts
from docs.protocol_pages import DRAFTS
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.protocols.protocol import load_protocols

MAPPER = load_mapper()
GROUPS = shown_concepts(MAPPER)
PAGES = Path(__file__).parents[2] / "docs" / "reference" / "concepts"
KEYS = {f"{group.key}/{one.word}": one for group in GROUPS for one in group.concepts}

# What a specialist clinic, a physiotherapist and a pain programme record: each must be there.
WANTED = {
    "instruments": """
        measure/pain-nrs measure/pain-vas measure/odi measure/rmdq measure/qbpds measure/psfs
        measure/peg measure/bpi-severity measure/bpi-interference measure/promis-pain-interference-t
        measure/promis-pf-t measure/promis-sleep-t measure/promis-depression-t
        measure/promis-anxiety-t measure/promis-global-physical-t measure/promis-global-mental-t
        measure/promis-depression-8a-raw measure/eq5d-index measure/eq5d-vas measure/sf12-pcs
        measure/sf12-mcs measure/startback-total measure/startback-distress measure/startback-risk
        measure/fabq-pa measure/fabq-work measure/pcs measure/tsk11 measure/phq2 measure/phq9
        measure/gad7 measure/activity-minutes work-status/on-sick-leave work-status/fit
        evaluation/answers evaluation/score-of-answers evaluation/panel evaluation/risk-group
        evaluation/days-off-work evaluation/measured-by-a-clinician body-site/low-back
        body-site/leg body-site/neck""",
    "evaluation": """
        evaluation/onset history/circumstances history/quality history/radiation history/pattern
        history/aggravated-by history/relieved-by history/previous-episodes
        evaluation/red-flag-present evaluation/red-flag-absent red-flag/cauda-equina
        red-flag/saddle-anesthesia red-flag/fever red-flag/unexplained-weight-loss
        red-flag/history-of-cancer red-flag/urinary-retention finding/straight-leg-raise
        finding/slump side/left side/right side/bilateral finding/lumbar-flexion
        finding/lumbar-extension finding/lumbar-lateral-flexion finding/lumbar-rotation
        finding/knee-extension-strength strength/5 finding/patellar-reflex finding/achilles-reflex
        reflex/absent reflex/normal finding/sensation-l5 sensation/reduced sensation/normal
        finding/antalgic-gait finding/abnormal-gait finding/tenderness investigation/mri-lumbar
        investigation/xray-lumbar investigation/ct-lumbar investigation/nerve-conduction
        investigation/diagnostic-nerve-root-block evaluation/report-of-a-request
        evaluation/finding-of-a-report""",
    "causes and factors": """
        cause/low-back-strain cause/disc-herniation cause/spinal-stenosis cause/disc-degeneration
        cause/radiculopathy cause/spondylolisthesis cause/facet-pain cause/lumbar-fracture
        cause/compression-fracture cause/cauda-equina certainty/confirmed certainty/provisional
        certainty/refuted factor/poor-posture factor/obesity factor/sedentary-lifestyle
        factor/stress""",
    "plans": """
        goal/of-the-patient goal/of-the-clinician goal/target goal/due goal-priority/high
        modality/physical-therapy modality/therapeutic-exercise modality/chiropractic
        modality/acupuncture modality/massage modality/counselling modality/education
        modality/lifestyle modality/interventional-procedure modality/surgery modality/referral
        treatment/physical-therapy treatment/exercise-therapy treatment/chiropractic-manipulation
        treatment/acupuncture treatment/massage treatment/cbt treatment/ergonomics-education
        treatment/lifting-education treatment/self-care-education treatment/weight-management
        treatment/epidural-injection treatment/facet-denervation treatment/lumbar-discectomy
        treatment/lumbar-fusion treatment/laminectomy treatment/urgent-referral
        treatment/referral-physiotherapy treatment/referral-surgeon medication/ibuprofen-600mg
        medication/duloxetine-30mg medication/gabapentin-300mg plan/dose plan/titration
        plan/maximum-dose line-of-care/self-management line-of-care/conservative
        line-of-care/pharmacological line-of-care/interventional line-of-care/surgical
        line-of-care/steps-in-order plan/contraindicated-treatment plan/contraindicated-medication
        plan/preferred-treatment plan/urgent-referral preference/prefers preference/declines
        plan/lead plan/cause plan/procedure-of-an-activity care-team-role/physiotherapist
        care-team-role/chiropractor care-team-role/psychologist care-team-role/orthopaedic-surgeon
        care-team-role/pain-specialist""",
    "follow-up": """
        goal-achievement/improving goal-achievement/achieved goal-achievement/not-achieved
        plan/revision plan/reason-of-a-revision""",
}


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.title)
def test_no_row_of_the_table_is_empty(group: object) -> None:
    concepts: tuple[Shown, ...] = group.concepts  # type: ignore[attr-defined]
    assert concepts
    assert {one.word: one.gaps for one in concepts if one.gaps} == {}


@pytest.mark.parametrize("topic", WANTED)
def test_it_names_all_of_back_pain_care(topic: str) -> None:
    assert [key for key in WANTED[topic].split() if key not in KEYS] == []


def test_every_measure_and_every_word_of_the_records_is_in_the_table() -> None:
    words = {key.partition("/")[2] for key in KEYS if key.startswith("measure/")}
    assert words == {key for one in MAPPER.library.instruments.values() for key in one.measures}
    shown = {group.key for group in WORDS}
    silent = {name for name, one in MAPPER.library.concept_maps.items() if one.kind} - shown
    # Which unit a score or finding has, and which words the record check wants where.
    assert silent == {
        "measure", "scale", "measure-unit", "measure-level", "finding-unit", "graded-finding",
        "invasive-treatment",
    }  # fmt: skip


def test_no_two_concepts_share_a_page() -> None:
    assert len(KEYS) == sum(len(group.concepts) for group in GROUPS)


@pytest.mark.parametrize("key", KEYS)
def test_a_page_has_code_profile_mapping_record_and_resource(key: str) -> None:
    shown, page = KEYS[key], (PAGES / f"{key}.md").read_text("utf-8")
    assert shown.example is not None
    for one in shown.concepts:
        assert f"| `{one.code}` |" in page
    for part in ("- profile: ", "- mapping: [", "## In a record", "## As a resource"):
        assert part in page
    assert f'"resourceType": "{shown.example.resource["resourceType"]}"' in page
    folder = GOLDEN / shown.example.case
    assert f"[{shown.example.case}]" in page
    assert (folder / "expected.r4.json").is_file()


@pytest.mark.parametrize("key", KEYS)
def test_the_line_of_a_page_is_that_of_the_mapping(key: str) -> None:
    example = KEYS[key].example
    assert example is not None
    text = (Path(__file__).parents[2] / example.mapping.file).read_text("utf-8")
    line = text.splitlines()[example.mapping.line - 1]
    names = re.findall(r"[A-Za-z]+", example.element)
    assert "=" in line or names[-1] in line, line


@pytest.mark.parametrize("part", [part for group in PARTS.values() for part in group])
def test_a_part_is_the_element_that_it_says_it_is(part: object) -> None:
    field, element = part.field, part.element  # type: ignore[attr-defined]
    found = [one for one in KEYS.values() if one.part is part]
    assert len(found) == 1
    assert found[0].example is not None
    assert found[0].example.field == field
    assert element.startswith(found[0].example.element)


def test_every_protocol_has_its_causes_its_resource_and_a_golden_draft() -> None:
    protocols = load_protocols(MAPPER.library)
    table = (PAGES / "protocol" / "README.md").read_text("utf-8")
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if "yaml" in line]
    assert len(rows) == len(protocols) == 5
    assert all(len(row) == 5 and all(row) for row in rows)
    for key in protocols:
        assert (DRAFTS / key / "draft.json").is_file()
        assert "PlanDefinition/" in (PAGES / "protocol" / f"{key}.md").read_text("utf-8")
