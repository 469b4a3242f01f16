"""Holds the codes of resources against the concepts that may be shipped and emitted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fhir_backpain.fhir import canonical
from fhir_backpain.outcome import Issue, Message
from fhir_backpain.terminology import messages
from fhir_backpain.terminology.check_digit import is_loinc, is_sctid
from fhir_backpain.terminology.coded_value import CodedValue, coded_values
from fhir_backpain.terminology.concept import Concept

_CHECK_DIGITS = {canonical.LOINC: is_loinc, canonical.SNOMED_CT: is_sctid}


class CodeCheck:
    """Says which codes of a resource are mistyped, unknown, or shown by another name.

    `concepts` are all that may be there; `is_unit` tells whether a text is a UCUM unit, where a
    parser of units is at hand.
    """

    def __init__(
        self, concepts: Iterable[Concept], is_unit: Callable[[str], bool] | None = None
    ) -> None:
        self._displays: dict[tuple[str, str], set[str]] = {}
        for concept in concepts:
            shown = self._displays.setdefault((concept.system, concept.code), set())
            shown.add(concept.display)
        self._is_unit = is_unit

    def __call__(self, resource: Mapping[str, Any]) -> Iterator[Issue]:
        """Yield an issue for each code of a resource that is not what it must be.

        The texts name codes of terminologies, never a patient's other values.
        """
        for value in coded_values(resource):
            yield from self.findings(value)

    def findings(self, value: CodedValue) -> Iterator[Issue]:
        """Yield what is wrong with one code: its check digit, its unit, that it is unknown."""
        has_check_digit = _CHECK_DIGITS.get(value.system)
        if has_check_digit is not None and not has_check_digit(value.code):
            yield _issue(messages.CHECK_DIGIT, value, "has a wrong check digit")
        if value.system == canonical.UCUM and self._is_unit and not self._is_unit(value.code):
            yield _issue(messages.UNIT_UNREADABLE, value, "is no unit of UCUM")
        displays = self._displays.get((value.system, value.code))
        if displays is None:
            yield _issue(messages.CODE_UNVERIFIED, value, "is in no table of verified concepts")
        elif value.display is not None and value.display not in displays:
            meant = " or ".join(f"'{display}'" for display in sorted(displays))
            yield _issue(messages.DISPLAY_DIFFERS, value, f"is shown by another name than {meant}")


def _issue(message: Message, value: CodedValue, text: str) -> Issue:
    return message.issue(f"{value.system}|{value.code} {text}.", expression=value.expression)
