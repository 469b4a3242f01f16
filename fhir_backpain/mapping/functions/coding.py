"""Codes: fixed concepts, and words of the record through concept maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fhir_backpain.mapping.chunk import ByWord, Chunk, Code, Text, WordTable
from fhir_backpain.mapping.emitter import Emitter
from fhir_backpain.mapping.functions.arguments import (
    argument,
    arguments,
    only_options,
    option,
    refuse,
    want_option,
)
from fhir_backpain.mapping.functions.copying import either
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.piece import Piece, compact, literal
from fhir_backpain.mapping.scope import Reach, leaf
from fhir_backpain.mapping.template import Slot
from fhir_backpain.terminology.concept import Concept
from fhir_backpain.terminology.concept_map import ConceptRow

Render = Callable[[ConceptRow], Any]


class Coding:
    """The functions that need the library's concepts and concept maps."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def fixed(self, emitter: Emitter, slot: Slot) -> Piece:
        """``{=fixed: concept-key}``: a CodeableConcept that never varies."""
        concept = self._concept(slot)
        return literal(ConceptRow((concept,)).to_codeable_concept())

    def fixed_coding(self, emitter: Emitter, slot: Slot) -> Piece:
        """``{=fixed coding: concept-key}``: a Coding that never varies."""
        return literal(self._concept(slot).to_coding())

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

    def codes(self, emitter: Emitter, slot: Slot) -> Piece:
        """``{=codes: path, map: name}``: a list of the codes alone, one for each concept."""
        return self._translated(emitter, slot, ConceptRow.to_codes)

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
        if instead is None or piece.test is None:
            return piece
        concept_map = self._library.concept_map(want_option(slot, "map"), slot.location)
        if instead not in concept_map.rows:
            raise refuse(slot, f"'{concept_map.name}' has no row '{instead}'.")
        return either(emitter, piece, literal(concept_map.rows[instead].concepts[0].code))

    def _translated(self, emitter: Emitter, slot: Slot, render: Render) -> Piece:
        only_options(slot, "map")
        table = self._table(slot, lambda row: compact(render(row)))
        emitter.code.can_fail()
        reaches = [emitter.reach(path, slot.location) for path in arguments(slot)]
        for reach in reaches:
            leaf(reach, slot.location)
        if len(reaches) > 1:
            return _by_words(emitter, reaches, table)
        (reach,) = reaches
        return emitter.value(reach, lambda word: (ByWord(word, table, reach.is_bound),))

    def _table(self, slot: Slot, text_of: Callable[[ConceptRow], str]) -> WordTable:
        name = want_option(slot, "map")
        concept_map = self._library.concept_map(name, slot.location)
        rows = {word: text_of(row) for word, row in concept_map.rows.items()}
        return WordTable.of_map(rows, name, slot.location)

    def quantity(self, emitter: Emitter, slot: Slot) -> Piece:
        """``{=quantity: path, unit: key}`` or ``{=quantity: path, by: path, map: name}``.

        A Quantity with its UCUM unit, fixed or by a word of the record.
        FHIR: Quantity, http://hl7.org/fhir/R4/datatypes.html#Quantity
        """
        only_options(slot, "unit", "by", "map")
        reach = emitter.reach(argument(slot), slot.location)
        if leaf(reach, slot.location).type not in ("number", "integer"):
            raise refuse(slot, f"'{reach.path}' is not a number.")
        tail = self._tail(emitter, slot)
        return emitter.value(reach, lambda value: (Text('{"value":'), Code(value), tail))

    def _tail(self, emitter: Emitter, slot: Slot) -> Chunk:
        unit = option(slot, "unit")
        if unit is not None:
            return Text(_unit_tail(self._library.concepts.want(unit, slot.location)))
        emitter.code.can_fail()
        by = emitter.reach(want_option(slot, "by"), slot.location)
        table = self._table(slot, lambda row: _unit_tail(row.concepts[0]))
        return ByWord(by.expression, table, by.is_bound)


def _by_words(emitter: Emitter, reaches: list[Reach], table: WordTable) -> Piece:
    """Return the piece of the text that a table has for several words together."""
    words = ' + " " + '.join(reach.expression for reach in reaches)
    tests = [reach.presence() for reach in reaches if not reach.certain]
    is_bound = any(reach.is_bound for reach in reaches)
    chunk = ByWord(words, table, is_bound)
    return Piece((chunk,), " and ".join(tests) or None, True, is_bound=is_bound)


def _unit_tail(unit: Concept) -> str:
    """Return what follows the value in a Quantity's JSON text."""
    rest = {"unit": unit.display, "system": unit.system, "code": unit.code}
    return "," + compact(rest)[1:]
