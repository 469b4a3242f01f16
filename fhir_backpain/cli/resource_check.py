"""What a command says of resources: every problem, and each profile that is not held only once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fhir_backpain.intake.intake import IntakeReport
from fhir_backpain.outcome import Issue
from fhir_backpain.record import SourceRecord
from fhir_backpain.validation.strength import ResourceValidator


class ResourceCheck:
    """Holds resources against a validator and notes what it finds in a report.

    With `only_errors` it keeps warnings and information to itself.
    """

    def __init__(
        self, validator: ResourceValidator, report: IntakeReport, *, only_errors: bool = False
    ) -> None:
        self._validator = validator
        self._report = report
        self._only_errors = only_errors
        self._told: set[str] = set()

    def of_record(self, resource: Any, record: SourceRecord) -> None:
        """Check what a record made: JSON data or text; issues name the record's place."""
        # A pointer into the resource would be taken for one into the record.
        found = (replace(one, source=record.location) for one in self._validator.validate(resource))
        self._report.note(one for one in found if self._is_news(one))

    def of_file(self, record: SourceRecord) -> bool:
        """Check a resource that was read; return whether it is good."""
        found = self._validator.validate(record.data)
        self._report.note(one.moved_to(record.location) for one in found if self._is_news(one))
        return not any(one.is_error for one in found)

    def _is_news(self, issue: Issue) -> bool:
        """Return False for what is not asked for, or was said of another resource before."""
        if self._only_errors:
            return issue.is_error
        if issue.severity != "information":
            return True
        is_new = issue.text not in self._told
        self._told.add(issue.text)
        return is_new
