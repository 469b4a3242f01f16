"""The library: what instruments imply, and the vocabulary that the record check needs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fhir_backpain.errors import ArtifactError
from fhir_backpain.mapping.library import Library
from fhir_backpain.outcome import MappingLocation


def test_instruments_imply_code_unit_category_and_levels(library: Library) -> None:
    maps = library.concept_maps
    assert maps["measure"].rows["odi"].concepts[0].key == "func.odi.score"
    assert maps["measure-unit"].rows["body-weight"].concepts[0].code == "kg"
    assert maps["measure-category"].rows["body-weight"].concepts[0].code == "vital-signs"
    assert maps["measure-level"].rows["startback-risk high"].concepts[0].code == "LA9193-9"
    assert "startback-risk" not in maps["measure-unit"].rows


def test_scales_are_the_measures_of_pain(library: Library) -> None:
    scales, measures = library.vocabulary["scale"], library.vocabulary["measure"]
    assert {"pain-nrs", "pain-vas", "peg"} <= scales < measures
    assert "odi" not in scales


def test_every_measure_has_a_code_a_category_and_a_unit_or_levels(library: Library) -> None:
    maps = library.concept_maps
    for instrument in library.instruments.values():
        for key, measure in instrument.measures.items():
            assert key in maps["measure"].rows
            assert key in maps["measure-category"].rows
            assert (key in maps["measure-unit"].rows) != bool(measure.levels)
            assert (key in library.ranges) != bool(measure.levels)


def test_ranges_are_those_of_the_instruments(library: Library) -> None:
    assert library.ranges["odi"] == (Decimal(0), Decimal(100))
    assert library.ranges["eq5d-index"] == (Decimal(-1), Decimal(1))


def test_an_unknown_map_is_named_at_its_place(library: Library) -> None:
    where = MappingLocation("f.yaml", 2, 3)
    assert library.concept_map("cause", where).kind == "cause"
    with pytest.raises(ArtifactError) as caught:
        library.concept_map("nope", where)
    assert (caught.value.issues[0].number, caught.value.issues[0].mapping) == (1103, where)


REVERSIBLE = """
measure scale cause factor finding red-flag treatment medication investigation body-site side
care-team-role work-status goal-achievement goal-priority clinical-status certainty absent-reason
measure-level history strength reflex sensation procedure preference
"""


@pytest.mark.parametrize("name", REVERSIBLE.split())
def test_a_code_leads_back_to_one_word(library: Library, name: str) -> None:
    # A record is read back through these maps: a word that shares its code would be lost.
    assert library.concept_maps[name].is_reversible
