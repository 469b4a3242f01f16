"""Which source paths a slot reads, as they are written in the mapping."""

from __future__ import annotations

from fhir_backpain.artifacts.located_yaml import YamlList, YamlMap, want_text
from fhir_backpain.mapping.declaration import KeyPart, read_key
from fhir_backpain.mapping.functions.arguments import argument, arguments, option
from fhir_backpain.mapping.functions.narrating import step_nodes
from fhir_backpain.mapping.template import Slot
from fhir_backpain.mapping.trace.slot_tracer import PLACE

PERSON_PATHS = ("patient.identifier.system", "patient.identifier.value")
PATIENT_PATHS = ("source", *PERSON_PATHS)
RECORD_PATHS = (*PATIENT_PATHS, "record", "id")
OWNER_PATHS = {"person": PERSON_PATHS, "patient": PATIENT_PATHS, "record": RECORD_PATHS}
"""What the address of a resource is made from beside its key, by what it belongs to."""

_ACTOR_PARTS = ("identifier.system", "identifier.value", "name")
_FIXED = ("fixed", "fixed coding", "made", "own")


def owner_paths(slot: Slot) -> tuple[str, ...]:
    """Return the record's own paths that a reference holds beside its key."""
    if slot.function != "reference":
        return ()
    if argument(slot) == "Patient":
        return PERSON_PATHS
    if "of record" in slot.options:
        return PATIENT_PATHS if "record type" in slot.options else (*PATIENT_PATHS, "record")
    return OWNER_PATHS[option(slot, "belongs to") or "record"]


def slot_paths(slot: Slot) -> list[str]:
    """Return the paths that a slot names, in the order in which it names them."""
    if slot.function in _FIXED:
        return []
    if slot.function == "reference":
        return _reference_paths(slot)
    if slot.function == "actor":
        return [f"{argument(slot)}.{part}" for part in _ACTOR_PARTS]
    if slot.function == "text":
        return PLACE.findall(argument(slot))
    if slot.function == "narrative":
        return [argument(slot), *_step_paths(slot)]
    by = option(slot, "by")
    return [*arguments(slot), *([by] if by else [])]


def _step_paths(slot: Slot) -> list[str]:
    return [
        f"{want_text(node, 'of')}[].{want_text(node, part)}"
        for node in step_nodes(slot)
        for part in ("word", "status")
    ]


def _reference_paths(slot: Slot) -> list[str]:
    other = option(slot, "of record")
    paths = [other] if other else []
    node = slot.options.get("key")
    if isinstance(node, YamlList):
        tree = YamlMap({"key": node}, {"key": slot.location}, slot.location)
        paths += key_paths(read_key(tree))
    return paths


def key_paths(parts: tuple[KeyPart, ...]) -> list[str]:
    """Return the paths of a business key."""
    return [part.text for part in parts if part.is_path]
