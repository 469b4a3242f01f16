"""Codes: fixed concepts, and words of the record through concept maps."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fhir_backpain.errors import MappingFailed
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.emitter import Emitter, Piece, literal_text
from fhir_backpain.mapping.functions.arguments import (
    argument,
    arguments,
    only_options,
    option,
    refuse,
    want_option,
)
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.scope import leaf
from fhir_backpain.mapping.template import Slot
from fhir_backpain.outcome import MappingLocation
from fhir_backpain.terminology.concept import Concept
from fhir_backpain.terminology.concept_map import ConceptRow

Render = Callable[[ConceptRow], Any]


class WordTable(dict[str, str]):
    """JSON text by word; a word without a row is a problem that names the concept map."""

    def __init__(self, rows: dict[str, str], name: str, where: MappingLocation) -> None:
        super().__init__(rows)
        self._name = name
        self._where = where

    def __missing__(self, word: str) -> str:
        raise MappingFailed(
            messages.WORD_UNMAPPED.issue(
                f"The concept map '{self._name}' has no row for a word of the record.",
                mapping=self._where,
            )
        )


class Coding:
    """The functions that need the library's concepts and concept maps."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def fixed(self, emitter: Emitter, slot: Slot) -> Piece:
        """``{=fixed: concept-key}``: a CodeableConcept that never varies."""
        concept = self._concept(slot)
        return Piece(literal_text(ConceptRow((concept,)).to_codeable_concept()))

    def fixed_coding(self, emitter: Emitter, slot: Slot) -> Piece:
        """``{=fixed coding: concept-key}``: a Coding that never varies."""
        return Piece(literal_text(self._concept(slot).to_coding()))

    def _concept(self, slot: Slot) -> Concept:
        only_options(slot)
        return self._library.concepts.want(argument(slot), slot.location)

    def concept(self, emitter: Emitter, slot: Slot) -> Piece:
        """``{=concept: path, map: name}``: a CodeableConcept; several paths make one word."""
        return self._translated(emitter, slot, ConceptRow.to_codeable_concept)

    def concepts(self, emitter: Emitter, slot: Slot) -> Piece:
        """``{=concepts: path, map: name}``: a list of CodeableConcepts, one for each concept."""

        def render(row: ConceptRow) -> list[Any]:
            return [ConceptRow((item,)).to_codeable_concept() for item in row.concepts]

        return self._translated(emitter, slot, render)

    def coding(self, emitter: Emitter, slot: Slot) -> Piece:
        """``{=coding: path, map: name}``: a Coding, the first of the row."""
        return self._translated(emitter, slot, lambda row: row.concepts[0].to_coding())

    def code(self, emitter: Emitter, slot: Slot) -> Piece:
        """``{=code: path, map: name, else: word}``: the code alone, the first of the row.

        `else` is the word to take where the record has none.
        """
        instead = option(slot, "else")
        options = {key: node for key, node in slot.options.items() if key != "else"}
        plain = replace(slot, options=options)
        piece = self._translated(emitter, plain, lambda row: row.concepts[0].code)
        if instead is None or piece.variable is None:
            return piece
        concept_map = self._library.concept_map(want_option(slot, "map"), slot.location)
        if instead not in concept_map.rows:
            raise refuse(slot, f"'{concept_map.name}' has no row '{instead}'.")
        code = literal_text(concept_map.rows[instead].concepts[0].code)
        name = emitter.assign(f"f'{code}' if {piece.variable} is None else {piece.variable}")
        return Piece("{" + name + "}", live=True)

    def _translated(self, emitter: Emitter, slot: Slot, render: Render) -> Piece:
        only_options(slot, "map")
        table = emitter.constant(self._table(slot, want_option(slot, "map"), render))
        emitter.code.can_fail()
        reaches = [emitter.reach(path, slot.location) for path in arguments(slot)]
        for reach in reaches:
            leaf(reach, slot.location)
        if len(reaches) == 1:
            return emitter.value(reaches[0], table + "[{}]")
        names = [emitter.assign(reach.expression) for reach in reaches]
        empty = " or ".join(f"{name} is None" for name in names)
        word = " + ' ' + ".join(names)
        return emitter.optional(f"None if {empty} else {table}[{word}]")

    def _table(self, slot: Slot, name: str, render: Render) -> WordTable:
        concept_map = self._library.concept_map(name, slot.location)
        rows = {
            word: json.dumps(render(row), separators=(",", ":"))
            for word, row in concept_map.rows.items()
        }
        return WordTable(rows, name, slot.location)

    def quantity(self, emitter: Emitter, slot: Slot) -> Piece:
        """``{=quantity: path, unit: key}`` or ``{=quantity: path, by: path, map: name}``.

        A Quantity with its UCUM unit, fixed or by a word of the record.
        FHIR: Quantity, http://hl7.org/fhir/R4/datatypes.html#Quantity
        """
        only_options(slot, "unit", "by", "map")
        reach = emitter.reach(argument(slot), slot.location)
        if leaf(reach, slot.location).type not in ("number", "integer"):
            raise refuse(slot, f"'{reach.path}' is not a number.")
        return emitter.value(reach, "'{{\"value\":' + str({}) + " + self._tail(emitter, slot))

    def _tail(self, emitter: Emitter, slot: Slot) -> str:
        unit = option(slot, "unit")
        if unit is not None:
            concept = self._library.concepts.want(unit, slot.location)
            # Doubled braces: the form goes through str.format before it becomes code.
            return repr(_unit_tail(concept)).replace("{", "{{").replace("}", "}}")
        emitter.code.can_fail()
        by = emitter.reach(want_option(slot, "by"), slot.location)
        concept_map = self._library.concept_map(want_option(slot, "map"), slot.location)
        rows = {word: _unit_tail(row.concepts[0]) for word, row in concept_map.rows.items()}
        table = WordTable(rows, concept_map.name, slot.location)
        return f"{emitter.constant(table)}[{by.expression}]"


def _unit_tail(unit: Concept) -> str:
    """Return what follows the value in a Quantity's JSON text."""
    rest = {"unit": unit.display, "system": unit.system, "code": unit.code}
    return "," + json.dumps(rest, separators=(",", ":"))[1:]
