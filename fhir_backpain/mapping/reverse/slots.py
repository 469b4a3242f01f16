"""The inverse of each slot function: what a value of a resource says of the record.

A function without an inverse is one-way; `ONE_WAY` says why. What it makes is not read, but it is
still held against the rebuilt record afterwards, so that nothing is swallowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fhir_backpain.artifacts.located_yaml import YamlList, YamlMap
from fhir_backpain.mapping.declaration import read_key as read_declared_key
from fhir_backpain.mapping.functions.arguments import argument, arguments, option
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.reverse.address import read_address, read_key
from fhir_backpain.mapping.reverse.code_index import CodeIndex
from fhir_backpain.mapping.reverse.place import Assignments, Mismatch, Names
from fhir_backpain.mapping.template import Slot
from fhir_backpain.terminology.concept_map import ConceptRow

ONE_WAY: dict[str, str] = {
    "narrative": "the narrative repeats what other elements say",
    "made": "the list of references follows from the other rules",
    "own": "the identifier is read before the rule is chosen, and gives the record and the key",
}

Inverse = Callable[[Slot, Any, Names, Assignments], None]

_PLACE = re.compile(r"\{([^{}]+)\}")


class SlotInverses:
    """The inverses, with the library's concept maps at hand."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._indexes: dict[str, CodeIndex] = {}
        self._inverses: dict[str, Inverse] = {
            "copy": _copy,
            "text": _text,
            "fixed": self._fixed,
            "fixed coding": self._fixed,
            "concept": self._concept,
            "concepts": self._concepts,
            "coding": self._coding,
            "code": self._code,
            "codes": self._codes,
            "quantity": self._quantity,
            "reference": _reference,
            "actor": _actor,
        }

    def invert(self, slot: Slot, json: Any, names: Names, out: Assignments) -> None:
        """Read off what `json` says through a slot; Mismatch where the slot cannot make it."""
        inverse = self._inverses.get(slot.function)
        if inverse is not None:
            inverse(slot, json, names, out)

    def _index(self, slot: Slot) -> CodeIndex:
        name = option(slot, "map") or ""
        if name not in self._indexes:
            self._indexes[name] = CodeIndex(self._library.concept_map(name, slot.location))
        return self._indexes[name]

    def _fixed(self, slot: Slot, json: Any, names: Names, out: Assignments) -> None:
        concept = self._library.concepts.want(argument(slot), slot.location)
        if slot.function == "fixed coding":
            same = concept.to_coding() == json
        else:
            same = ConceptRow((concept,)).to_codeable_concept() == json
        if not same:
            raise Mismatch

    def _concept(self, slot: Slot, json: Any, names: Names, out: Assignments) -> None:
        codings = json.get("coding") if isinstance(json, dict) else None
        self._assign(slot, codings if isinstance(codings, list) else [], names, out)

    def _concepts(self, slot: Slot, json: Any, names: Names, out: Assignments) -> None:
        codings = [
            concept["coding"][0]
            for concept in (json if isinstance(json, list) else [])
            if isinstance(concept, dict) and concept.get("coding")
        ]
        self._assign(slot, codings, names, out)

    def _coding(self, slot: Slot, json: Any, names: Names, out: Assignments) -> None:
        self._assign(slot, [json], names, out)

    def _code(self, slot: Slot, json: Any, names: Names, out: Assignments) -> None:
        index = self._index(slot)
        if not index.is_derived:
            word = index.word_of_code(json)
            if word != option(slot, "else"):
                self._put_word(slot, word, names, out)

    def _codes(self, slot: Slot, json: Any, names: Names, out: Assignments) -> None:
        if not isinstance(json, list) or not json:
            raise Mismatch
        self._code(slot, json[0], names, out)

    def _assign(self, slot: Slot, codings: list[Any], names: Names, out: Assignments) -> None:
        index = self._index(slot)
        if not index.is_derived:
            self._put_word(slot, index.word(codings), names, out)

    def _put_word(self, slot: Slot, word: str, names: Names, out: Assignments) -> None:
        paths = arguments(slot)
        parts = word.split(" ") if len(paths) > 1 else [word]
        for path, part in zip(paths, parts, strict=True):
            out.put(names.place(path), part)

    def _quantity(self, slot: Slot, json: Any, names: Names, out: Assignments) -> None:
        value = json.get("value") if isinstance(json, dict) else None
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise Mismatch
        out.put(names.place(argument(slot)), value)
        by = option(slot, "by")
        if by is not None and not self._index(slot).is_derived:
            coding = {"system": json.get("system"), "code": json.get("code")}
            out.put(names.place(by), self._index(slot).word([coding]))


def _copy(slot: Slot, json: Any, names: Names, out: Assignments) -> None:
    if json != option(slot, "else"):
        out.put(names.place(argument(slot)), json)


def _text(slot: Slot, json: Any, names: Names, out: Assignments) -> None:
    parts = _PLACE.split(argument(slot))
    pattern = "".join(
        re.escape(part) if index % 2 == 0 else "(.+)" for index, part in enumerate(parts)
    )
    found = re.fullmatch(pattern, json) if isinstance(json, str) else None
    if found is None:
        raise Mismatch
    for path, text in zip(parts[1::2], found.groups(), strict=True):
        out.put(names.place(path), text)


def _reference(slot: Slot, json: Any, names: Names, out: Assignments) -> None:
    type_ = argument(slot)
    if not isinstance(json, dict) or not str(json.get("reference", "")).startswith(f"{type_}/"):
        raise Mismatch
    node = slot.options.get("key")
    if type_ == "Patient" or not isinstance(node, YamlList):
        return
    address = read_address(json.get("identifier"))
    tree = YamlMap({"key": node}, {"key": slot.location}, slot.location)
    values = read_key(read_declared_key(tree), address.key) if address else None
    if address is None or values is None:
        raise Mismatch
    if option(slot, "record type") not in (None, address.record):
        raise Mismatch
    for path, value in values.items():
        out.put(names.place(path), value)
    other = option(slot, "of record")
    if other is not None:
        out.put(names.place(other), address.record_id)


def _actor(slot: Slot, json: Any, names: Names, out: Assignments) -> None:
    identifier = json.get("identifier") if isinstance(json, dict) else None
    if not isinstance(identifier, dict) or json.get("type") != "Practitioner":
        raise Mismatch
    place = names.place(argument(slot))
    for part in ("system", "value"):
        out.put(place.below(("identifier", part)), identifier.get(part))
    if "display" in json:
        out.put(place.below(("name",)), json["display"])
