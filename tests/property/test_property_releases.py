"""What holds of every valid record in each release: valid there, and nothing is lost both ways."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import fhir.resources
import fhir.resources.R4B
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.record import RECORD_TYPES
from tests.property.records_strategy import any_record, examples

RELEASES = ("R4", "R4B", "R5")
# The models of R4B stand in for R4, for which there are none: in what we make the two are one.
MODELS: dict[str, Callable[[str], Any]] = {
    "R4": fhir.resources.R4B.get_fhir_model_class,
    "R4B": fhir.resources.R4B.get_fhir_model_class,
    "R5": fhir.resources.get_fhir_model_class,
}
EVERY_RELEASE = pytest.mark.parametrize("release", RELEASES)
# Entries of these lists become resources of their own, which have no order among them.
UNORDERED = frozenset({
    "ratings", "scores", "questionnaires", "examination", "red_flags", "causes", "factors",
    "investigations",
})  # fmt: skip

# The fields of an assessment that make resources of its own; the others make its patient's.
DATED = {"pain", "scores", "examination", "red_flags", "work_status"}


@pytest.fixture(scope="session")
def mappers() -> dict[str, Mapper]:
    return {release: load_mapper(release=release) for release in RELEASES}


def trees(mapper: Mapper, data: dict[str, Any]) -> list[dict[str, Any]]:
    return [json_text.parse(resource.text) for resource in mapper(data)]


def telling_records() -> st.SearchStrategy[dict[str, Any]]:
    """Records whose resources say which record they are of, and when it was true.

    An assessment without any content and without recorded_at makes no resource that could.
    """
    return any_record().filter(tells)


def tells(data: dict[str, Any]) -> bool:
    return data["record"] != "assessment" or bool((DATED | {"recorded_at"}) & data.keys())


def canonical(value: Any) -> Any:
    """Return a resource in which numbers compare by value and instants by how they are meant."""
    if isinstance(value, dict):
        return {name: canonical(item) for name, item in value.items()}
    if isinstance(value, list):
        return [canonical(item) for item in value]
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
        return without_idle_zeros(value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value).normalize()
    return value


def without_idle_zeros(moment: str) -> str:
    """Return a dateTime without what models drop or respell: zeros of the fraction, +00:00."""
    moment = re.sub(r"\.(\d*?)0+(?=[Z+-])", r".\1", moment)
    return re.sub(r"(Z|[+-]00:00)$", "Z", re.sub(r"\.(?=[Z+-])", "", moment))


def sorted_lists(value: Any, name: str = "") -> Any:
    """Return a record with its unordered lists sorted; every other list keeps its order."""
    if isinstance(value, dict):
        return {key: sorted_lists(item, key) for key, item in value.items()}
    if isinstance(value, list):
        items = [sorted_lists(item) for item in value]
        return sorted(items, key=by_content) if name in UNORDERED else items
    return value


def by_content(value: Any) -> str:
    return json_text.dump(value, sort_keys=True)


def plain(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a resource without what US Core wants in R4 alone: claims and categories."""
    rest = {name: value for name, value in resource.items() if name not in ("meta", "category")}
    return {**rest, "meta": {**resource["meta"], "profile": None}}


def exact(value: Any) -> Iterator[str]:
    """Yield every number of a tree as it is written: 1.10 is not 1.1."""
    if isinstance(value, dict):
        for item in value.values():
            yield from exact(item)
    elif isinstance(value, list):
        for item in value:
            yield from exact(item)
    elif isinstance(value, int | Decimal):
        yield str(value)


@EVERY_RELEASE
@examples(20)
@given(data=any_record())
def test_what_is_made_equals_what_the_models_of_the_release_read(
    mappers: dict[str, Mapper], release: str, data: dict[str, Any]
) -> None:
    for resource in mappers[release](data):
        model = MODELS[release](resource.type).model_validate_json(resource.text)
        text = model.model_dump_json(by_alias=True, exclude_none=True)
        back = json.loads(text, parse_float=Decimal)
        assert canonical(back) == canonical(json_text.parse(resource.text))


@EVERY_RELEASE
@examples(30)
@given(data=telling_records())
def test_a_record_comes_back_as_it_was(
    mappers: dict[str, Mapper], release: str, data: dict[str, Any]
) -> None:
    mapper = mappers[release]
    result = mapper.from_fhir(trees(mapper, data))
    assert [str(issue) for issue in result.issues] == []
    assert result.is_lossless
    (record,) = result.records
    wanted = mapper.normal_form(data)
    assert sorted_lists(record) == sorted_lists(wanted)
    assert sorted(exact(record)) == sorted(exact(wanted))


@EVERY_RELEASE
@examples(20)
@given(data=telling_records())
def test_resources_come_back_as_they_were(
    mappers: dict[str, Mapper], release: str, data: dict[str, Any]
) -> None:
    mapper = mappers[release]
    made = trees(mapper, data)
    (record,) = mapper.from_fhir(made).records
    assert trees(mapper, record) == made


@EVERY_RELEASE
@examples(20)
@given(data=any_record())
def test_the_normal_form_means_the_same_and_is_its_own_normal_form(
    mappers: dict[str, Mapper], release: str, data: dict[str, Any]
) -> None:
    mapper = mappers[release]
    normal = mapper.normal_form(data)
    assert mapper.normal_form(normal) == normal
    assert mapper(normal) == mapper(data)


@EVERY_RELEASE
def test_compiling_twice_gives_the_same_code(mappers: dict[str, Mapper], release: str) -> None:
    again = load_mapper(release=release)
    for record_type in RECORD_TYPES:
        assert mappers[release].code(record_type) == again.code(record_type)


@examples(20)
@given(data=any_record())
def test_the_releases_give_a_resource_the_same_address_and_identifier(
    mappers: dict[str, Mapper], data: dict[str, Any]
) -> None:
    made = {release: trees(mappers[release], data) for release in RELEASES}
    assert [plain(one) for one in made["R4"]] == [plain(one) for one in made["R4B"]]
    assert not any("/us/core/" in json_text.dump(made[release]) for release in ("R4B", "R5"))
    for one, other in zip(made["R4"], made["R5"], strict=True):
        assert (one["resourceType"], one["id"]) == (other["resourceType"], other["id"])
        here, there = one.get("identifier"), other.get("identifier")
        assert here in (there, there[0] if isinstance(there, list) else None)
