"""The made-up clinic shows all of back-pain care: no family of concepts is left out of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from docs.concept_groups import PARTS, WORDS, Part
from fhir_backpain.clinic.clinic import Clinic
from fhir_backpain.mapping.library import load_library
from tests.meta.test_meta_concepts import KEYS, WANTED

# The field of a record that has the words of each group, and how many of them the clinic has.
FIELDS = {
    "history": ("history[].aspect", 8),
    "red-flag": ("red_flags[].flag", 14),
    "finding": ("examination[].finding", 20),
    "strength": ("examination[].strength", 5),
    "reflex": ("examination[].reflex", 3),
    "sensation": ("examination[].sensation", 3),
    "investigation": ("investigations[].test", 5),
    "procedure": ("procedures[].procedure", 6),
    "cause": ("causes[].cause", 13),
    "factor": ("factors[].factor", 6),
    "certainty": ("causes[].certainty", 5),
    "side": ("causes[].side", 2),
    "body-site": ("pain.ratings[].site", 2),
    "treatment": ("activities[].treatment", 24),
    "medication": ("medications[].medication", 8),
    "preference": ("preferences[].stance", 2),
    "goal-achievement": ("goals[].achievement", 5),
    "goal-priority": ("goals[].priority", 3),
    "care-team-role": ("care_team[].role", 12),
    "work-status": ("work_status.status", 4),
}
MEASURED = ("scores[].measure", "measure", "pain.ratings[].scale", "goals[].measure")
# A plan is exported as it stands at the end: after the visit that tells of the procedure.
NOT_IN_THE_CLINIC = {"procedure-of-an-activity"}
# The causes of back pain that a clinic has to know.
CAUSES = """low-back-strain disc-herniation spinal-stenosis disc-degeneration radiculopathy
    spondylolisthesis facet-pain lumbar-fracture cauda-equina"""
MODALITIES = """physical-therapy exercise-therapy chiropractic-manipulation acupuncture massage cbt
    ergonomics-education lifting-education self-care-education weight-management
    epidural-injection lumbar-discectomy referral-pain-specialist urgent-referral"""


def leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from leaves(value, f"{path}.{name}" if path else name)
    elif isinstance(node, list):
        for value in node:
            yield from leaves(value, f"{path}[]")
    else:
        yield path, node


@cache
def said() -> dict[str, set[Any]]:
    """Return what the clinic's records have at each field."""
    found: dict[str, set[Any]] = defaultdict(set)
    for record in Clinic().records():
        for path, value in leaves(record):
            found[path].add(value)
    return found


@pytest.mark.parametrize("group", [group.key for group in WORDS])
def test_every_group_of_words_is_in_the_clinic(group: str) -> None:
    field, least = FIELDS[group]
    rows = load_library().concept_maps[group].rows.keys()
    assert len(said()[field] & rows) >= least
    assert said()[field] <= rows


@pytest.mark.parametrize(
    "part", [one for group in PARTS.values() for one in group], ids=lambda part: part.word
)
def test_every_part_of_a_record_is_in_the_clinic(part: Part) -> None:
    found = said()[part.field]
    is_there = part.value in found if part.value is not None else bool(found)
    assert is_there != (part.word in NOT_IN_THE_CLINIC)


def test_every_instrument_that_care_asks_for_is_in_the_clinic() -> None:
    wanted = {key.partition("/")[2] for key in WANTED["instruments"].split() if "measure/" in key}
    measured = {word for field in MEASURED for word in said()[field]}
    # Raw sums of PROMIS come from a trial's table, which has them; the clinic has T-scores.
    assert wanted - measured == {"promis-depression-8a-raw"}
    assert {one for one in wanted if f"measure/{one}" not in KEYS} == set()


def test_every_cause_and_modality_is_in_the_clinic() -> None:
    assert set(CAUSES.split()) - said()["causes[].cause"] == set()
    assert set(MODALITIES.split()) - said()["activities[].treatment"] == set()
