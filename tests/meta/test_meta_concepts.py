"""Every clinical concept has its code, profile, mapping and golden case, and none is forgotten."""

from __future__ import annotations

import pytest

from docs.concept_table import shown_concepts
from fhir_backpain.mapping.library import load_library

SHOWN = shown_concepts()


@pytest.mark.parametrize("title", SHOWN)
def test_no_row_of_the_table_is_empty(title: str) -> None:
    assert SHOWN[title]
    assert {one.word: one.gaps for one in SHOWN[title] if one.gaps} == {}


def test_every_measure_and_every_word_is_in_the_table() -> None:
    library = load_library()
    words = {one.word for concepts in SHOWN.values() for one in concepts}
    assert words >= {key for one in library.instruments.values() for key in one.measures}
    for name in ("cause", "factor", "red-flag", "finding", "treatment", "medication", "procedure"):
        assert words >= library.concept_maps[name].rows.keys()


@pytest.mark.parametrize(
    "word",
    [
        # what a back-pain clinic cannot do without
        "low-back-strain", "disc-herniation", "spinal-stenosis", "disc-degeneration",
        "radiculopathy", "spondylolisthesis", "facet-pain", "lumbar-fracture", "cauda-equina",
        "obesity", "straight-leg-raise", "slump", "tenderness", "odi", "rmdq", "qbpds", "psfs",
        "peg",
        "bpi-severity", "eq5d-index", "sf12-pcs", "startback-total", "fabq-pa", "pcs", "tsk11",
        "phq2", "phq9", "gad7", "activity-minutes", "physical-therapy", "acupuncture", "massage",
        "cbt", "ergonomics-education", "lifting-education", "self-care-education",
    ],
)  # fmt: skip
def test_it_names_what_matters(word: str) -> None:
    assert word in {one.word for concepts in SHOWN.values() for one in concepts}
