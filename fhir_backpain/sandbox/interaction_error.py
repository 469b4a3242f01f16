"""The one exception of the sandbox server: a refused interaction and its HTTP status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Self

from fhir_backpain.errors import BackpainError
from fhir_backpain.outcome import Issue, Message


class InteractionError(BackpainError):
    """An interaction that is answered with `status`, `headers` and an OperationOutcome."""

    def __init__(
        self,
        status: int,
        issues: Issue | Iterable[Issue],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(issues)
        self.status = status
        self.headers = dict(headers or {})

    @classmethod
    def of(
        cls,
        status: int,
        message: Message,
        text: str,
        *,
        expression: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Self:
        """Return the error for one issue of the kind `message`."""
        return cls(status, message.issue(text, expression=expression), headers)

    def in_entry(self, index: int) -> InteractionError:
        """Return the same error with each issue placed in ``Bundle.entry[index]``."""
        place = f"Bundle.entry[{index}]"
        issues = [
            replace(
                issue,
                text=f"Entry {index}: {issue.text}",
                expression=f"{place}.resource.{_within(issue.expression)}"
                if issue.expression
                else place,
            )
            for issue in self.issues
        ]
        return InteractionError(self.status, issues, self.headers)


def _within(expression: str) -> str:
    """Return a FHIRPath without its leading resource type."""
    return expression.partition(".")[2]
