"""What holds of the trace of every valid record, and between a trace, a plan and the compiler."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache, partial
from typing import Any

import pytest
from hypothesis import given

from fhir_backpain.definitions.definitions import RELEASES
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.clause import read_clauses
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.mapping.source_shape import leaves, record_shape
from fhir_backpain.mapping.trace.account import RecordAccount, RunAccount
from fhir_backpain.mapping.trace.plan import PlanLine, explain
from fhir_backpain.mapping.trace.slot_sources import OWNER_PATHS
from fhir_backpain.record import RECORD_TYPES
from tests.property.records_strategy import any_record, examples


def schema_path(pointer: str) -> str:
    """Return the path of a pointer into a record; no field of a schema is a number."""
    return re.sub(r"\.\d+(?=\.|$)", "[]", pointer[1:].replace("/", "."))


def at(value: Any, pointer: str) -> Any:
    """Return the value at a JSON pointer."""
    for step in pointer[1:].split("/"):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def leaf_paths(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaf_paths(item, f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaf_paths(item, f"{path}[{index}]")
    else:
        yield path, value


def exact(value: Any) -> Any:
    """Return JSON data in which 1 and 1.0, true and 1, 1.1 and 1.10 are different."""
    if isinstance(value, dict):
        return [(name, exact(item)) for name, item in value.items()]
    if isinstance(value, list):
        return [exact(item) for item in value]
    return (type(value), str(value))


mapper_of = cache(partial(load_mapper, None))


@pytest.mark.parametrize("release", RELEASES)
@examples(30)
@given(data=any_record())
def test_a_trace_makes_exactly_what_the_compiled_mapping_makes(
    release: str, data: dict[str, Any]
) -> None:
    mapper = mapper_of(release)
    made, traced = mapper(data), mapper.trace(data).resources
    assert [resource.url for resource in traced] == [resource.url for resource in made]
    assert [resource.shared for resource in traced] == [resource.shared for resource in made]
    for one, other in zip(traced, made, strict=True):
        assert exact(one.json) == exact(json_text.parse(other.text))


@examples(30)
@given(data=any_record())
def test_every_leaf_of_every_resource_has_an_origin(mapper: Mapper, data: dict[str, Any]) -> None:
    trace = mapper.trace(data)
    for resource in trace.resources:
        for path, _ in leaf_paths(resource.json, resource.type):
            origin = trace.origin(resource.url, path)
            assert origin is not None, path
            assert (origin.role == "literal") == (not origin.pointers)
    count = sum(len(list(leaf_paths(resource.json, resource.type))) for resource in trace.resources)
    assert len(trace.leaves) == count


@examples(30)
@given(data=any_record())
def test_every_pointer_leads_to_a_leaf_of_the_record_and_back(
    mapper: Mapper, data: dict[str, Any]
) -> None:
    trace = mapper.trace(data)
    for origin in trace.leaves:
        for pointer in origin.pointers:
            assert isinstance(at(data, pointer), str | int | Decimal)
            assert origin in trace.destinations(pointer)


@examples(30)
@given(data=any_record())
def test_what_is_copied_is_the_value_at_its_pointer(mapper: Mapper, data: dict[str, Any]) -> None:
    trace = mapper.trace(data)
    values = {
        (resource.url, path): value
        for resource in trace.resources
        for path, value in leaf_paths(resource.json, resource.type)
    }
    copied = [origin for origin in trace.leaves if origin.function == "copy" and origin.pointers]
    assert copied
    for origin in copied:
        (pointer,) = origin.pointers
        assert exact(values[origin.url, origin.path]) == exact(at(data, pointer))


@cache
def lines_of(mapper: Mapper, record_type: str) -> dict[str, list[PlanLine]]:
    return {
        declaration.name: explain(declaration, mapper.library.fragments)
        for declaration in mapper.declarations(record_type)
    }


@examples(30)
@given(data=any_record())
def test_every_leaf_is_in_the_plan_of_its_mapping(mapper: Mapper, data: dict[str, Any]) -> None:
    plans = lines_of(mapper, data["record"])
    for resource in mapper.trace(data).resources:
        lines = {(line.mapping, line.used_at): line for line in plans[resource.mapping]}
        for origin in resource.origins():
            if origin.path == f"{resource.type}.resourceType":
                continue
            line = lines[origin.mapping, origin.used_at]
            assert line.function == origin.function
            assert re.sub(r"\[\d+\]", "[]", origin.path).startswith(line.element)
            if origin.function != "made":
                assert {schema_path(pointer) for pointer in origin.pointers} <= set(line.sources)


@pytest.mark.parametrize("record_type", RECORD_TYPES)
def test_a_plan_reads_what_the_compiled_mapping_reads(mapper: Mapper, record_type: str) -> None:
    rules = mapper.rules(record_type)
    known = set(leaves(record_shape(record_type)))
    for rule, declaration in zip(rules, mapper.declarations(record_type), strict=True):
        lines = lines_of(mapper, record_type)[declaration.name]
        read = {source for line in lines for source in line.sources}
        read |= {
            clause.path
            for line in lines
            for condition in line.conditions
            for clause in read_clauses(condition)
        }
        owner = set(OWNER_PATHS["record"])
        assert read & known - owner == set(rule.used) - owner, declaration.name


@examples(40)
@given(data=any_record())
def test_the_account_has_every_leaf_of_the_record_once(
    mapper: Mapper, data: dict[str, Any]
) -> None:
    account = RecordAccount.of(data, mapper.trace(data), mapper.declarations(data["record"]))
    pointers = [leaf.pointer for leaf in account.leaves]
    assert len(set(pointers)) == len(pointers) == len(list(leaf_paths(data, "")))
    assert all(schema_path(leaf.pointer) == leaf.path for leaf in account.leaves)
    assert sum(account.totals.values()) == len(pointers)
    run = RunAccount()
    run.add(account)
    run.add(account)
    assert run.totals == {state: 2 * count for state, count in account.totals.items()}
    assert run.has_unmapped == account.has_unmapped


# An assessment that says nothing but these makes no resource of its own that could carry them.
OF_AN_EMPTY_ASSESSMENT = {"id", "record", "assessed_at"}


@examples(60)
@given(data=any_record())
def test_nothing_of_the_content_of_a_record_is_lost(mapper: Mapper, data: dict[str, Any]) -> None:
    account = RecordAccount.of(data, mapper.trace(data), mapper.declarations(data["record"]))
    lost = {leaf.path for leaf in account.leaves if leaf.state == "unmapped"}
    is_bare = data["record"] == "assessment" and "recorded_at" not in data
    assert lost <= (OF_AN_EMPTY_ASSESSMENT if is_bare else set())
