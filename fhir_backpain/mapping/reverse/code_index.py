"""Concept maps the other way: from the codings that a resource carries to the record's word."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fhir_backpain.mapping.reverse.place import Mismatch
from fhir_backpain.terminology.concept_map import ConceptMap

Codes = tuple[tuple[str, str], ...]


class CodeIndex:
    """The words of a concept map by their codings.

    `is_derived` is true for a map that does not lead back, since several words share all their
    codings (the category of a measure): its word is read off elsewhere.
    """

    def __init__(self, concept_map: ConceptMap) -> None:
        codes: dict[str, Codes] = {
            word: tuple((concept.system, concept.code) for concept in row.concepts)
            for word, row in concept_map.rows.items()
        }
        self.is_derived = len(set(codes.values())) < len(codes)
        self._by_all = {all_codes: word for word, all_codes in codes.items()}
        firsts = Counter(all_codes[0] for all_codes in codes.values())
        self._by_first = {
            all_codes[0]: word for word, all_codes in codes.items() if firsts[all_codes[0]] == 1
        }
        self._by_code = {first[1]: word for first, word in self._by_first.items()}

    def word(self, codings: list[Any]) -> str:
        """Return the word of some codings; raises Mismatch where there is none."""
        if not codings or not all(isinstance(coding, dict) for coding in codings):
            raise Mismatch
        found = tuple((coding.get("system", ""), coding.get("code", "")) for coding in codings)
        word = self._by_all.get(found) or self._by_first.get(found[0])
        if word is None:
            raise Mismatch
        return word

    def word_of_code(self, code: Any) -> str:
        """Return the word of a bare code; raises Mismatch where there is none."""
        word = self._by_code.get(code) if isinstance(code, str) else None
        if word is None:
            raise Mismatch
        return word
