"""The index says the same as the models of fhir.resources, which others made from FHIR."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

from fhir_backpain.definitions.definitions import Definitions, load_definitions

PACKAGES = {"R4B": "fhir.resources.R4B", "R5": "fhir.resources"}


def facts_of(definitions: Definitions, path: str) -> dict[str, tuple[Any, ...]]:
    """Return (mandatory, list, stem of the choice, choice is mandatory) of each member."""
    return {
        name: (
            child.min > 0,
            child.is_list,
            child.choice_of and child.choice_of.path.rpartition(".")[2].removesuffix("[x]"),
            bool(child.choice_of and child.choice_of.min),
        )
        for name, child in definitions.children(path).items()
    }


def facts_in(model: Any) -> dict[str, tuple[Any, ...]]:
    facts = {}
    for field in model.model_fields.values():
        said = field.json_schema_extra or {}
        if said.get("element_property") or field.alias == "id":
            facts[field.alias] = (
                bool(said.get("element_required")) or field.is_required(),
                "List[" in str(field.annotation),
                said.get("one_of_many"),
                bool(said.get("one_of_many_required")),
            )
    return facts


def nested(definitions: Definitions, path: str) -> Iterator[str]:
    """Yield a path and the paths below it that define members of their own."""
    yield path
    for name, child in definitions.children(path).items():
        if child.content == f"{path}.{name}":
            yield from nested(definitions, child.content)


@pytest.mark.parametrize("release", PACKAGES)
def test_members_cardinalities_and_choices_agree(release):
    definitions = load_definitions(release)
    compared = 0
    for name in definitions.type_names():
        if definitions.primitive(name) or name == "SimpleQuantity":
            continue
        module = importlib.import_module(f"{PACKAGES[release]}.{name.lower()}")
        for path in nested(definitions, name):
            model_name = "".join(part[0].upper() + part[1:] for part in path.split("."))
            assert facts_of(definitions, path) == facts_in(getattr(module, model_name)), path
            compared += 1
    assert compared > 100
