"""What went wrong, where, and what to do next: the one error vocabulary of the package.

A room declares each of its messages once as a module constant::

    UNKNOWN_COLUMN = Message(
        2004, "structure", "Unknown column", "Map the column or list it under ignore."
    )

and raises or collects ``UNKNOWN_COLUMN.issue("column 'paim' is not in the mapping", source=here)``.
Numbers are never re-used: 1xxx artifacts, 2xxx sources, 3xxx mapping, 4xxx validation,
5xxx outbox, 6xxx remote servers, 7xxx conformance, 8xxx gateway and command line.

FHIR: OperationOutcome, http://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

Severity = Literal["fatal", "error", "warning", "information"]

# FHIR IssueType, http://hl7.org/fhir/R4/valueset-issue-type.html
IssueType = Literal[
    "invalid", "structure", "required", "value", "invariant", "security", "login", "unknown",
    "expired", "forbidden", "suppressed", "processing", "not-supported", "duplicate",
    "multiple-matches", "not-found", "deleted", "too-long", "code-invalid", "extension",
    "too-costly", "business-rule", "conflict", "transient", "lock-error", "no-store",
    "exception", "timeout", "incomplete", "throttled", "informational",
]  # fmt: skip

_EXTENSION = "http://hl7.org/fhir/StructureDefinition/operationoutcome-"


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """A place in what the clinic sent: file, 1-based line and column, JSON pointer, field name.

    `record` is the business id of the record at that place, once it is known.
    """

    file: str | None = None
    line: int | None = None
    column: int | None = None
    pointer: str | None = None
    field: str | None = None
    record: str | None = None

    def at(self, **changes: Any) -> SourceLocation:
        """Return this location with some parts replaced."""
        return replace(self, **changes)

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        parts = [place] if place else []
        if self.field is not None:
            parts.append(f"field {self.field}")
        if self.pointer is not None:
            parts.append(f"at {self.pointer or '(whole record)'}")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class MappingLocation:
    """A place in a mapping file: file, 1-based line and column."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Issue:
    """One problem: what FHIR calls an OperationOutcome.issue, with both ends named.

    `expression` is a FHIRPath in the simple subset (``Observation.component[1].valueQuantity``).
    `text` never holds a patient's value: it names places and expectations.
    """

    severity: Severity
    code: IssueType
    number: int
    text: str
    next_step: str
    source: SourceLocation | None = None
    mapping: MappingLocation | None = None
    expression: str | None = None

    @property
    def is_error(self) -> bool:
        """True where the issue stops the record or the request that it belongs to."""
        return self.severity in ("fatal", "error")

    def moved_to(self, source: SourceLocation) -> Issue:
        """Return this issue with its source file, line and record taken from `source`."""
        here = self.source or SourceLocation()
        merged = source.at(
            pointer=here.pointer if here.pointer is not None else source.pointer,
            field=here.field if here.field is not None else source.field,
            column=here.column if here.column is not None else source.column,
        )
        return replace(self, source=merged)

    def to_fhir(self) -> dict[str, Any]:
        """Return the OperationOutcome.issue element."""
        extensions: list[dict[str, Any]] = [
            {"url": _EXTENSION + "message-id", "valueString": f"FBP-{self.number}"}
        ]
        if self.source and self.source.line:
            extensions.append({"url": _EXTENSION + "issue-line", "valueInteger": self.source.line})
        if self.source and self.source.column:
            extensions.append({"url": _EXTENSION + "issue-col", "valueInteger": self.source.column})
        element: dict[str, Any] = {
            "extension": extensions,
            "severity": self.severity,
            "code": self.code,
            "details": {"text": f"{self.text} Next: {self.next_step}"},
        }
        where = [f"source {self.source}" if self.source and str(self.source) else ""]
        where.append(f"mapping {self.mapping}" if self.mapping else "")
        if any(where):
            element["diagnostics"] = "; ".join(part for part in where if part)
        if self.expression:
            element["expression"] = [self.expression]
        return element

    def __str__(self) -> str:
        """One readable line: place, severity, text, next step."""
        ends = [str(end) for end in (self.source, self.mapping, self.expression) if end]
        place = " <- ".join(end for end in ends if end)
        head = f"{place}: " if place else ""
        return f"{head}{self.severity} FBP-{self.number}: {self.text} Next: {self.next_step}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The issues of one record, request or run, in the order in which they were found."""

    issues: tuple[Issue, ...] = ()

    @classmethod
    def of(cls, issues: Iterable[Issue]) -> Outcome:
        """Collect issues into an outcome."""
        return cls(tuple(issues))

    @property
    def has_errors(self) -> bool:
        """True where at least one issue is an error."""
        return any(issue.is_error for issue in self.issues)

    def __iter__(self) -> Iterator[Issue]:
        return iter(self.issues)

    def __len__(self) -> int:
        return len(self.issues)

    def to_fhir(self) -> dict[str, Any]:
        """Return the OperationOutcome resource; an empty outcome says that all went well."""
        if not self.issues:
            good = {"severity": "information", "code": "informational"}
            return {
                "resourceType": "OperationOutcome",
                "issue": [{**good, "details": {"text": "No problem was found."}}],
            }
        return {
            "resourceType": "OperationOutcome",
            "issue": [issue.to_fhir() for issue in self.issues],
        }

    def __str__(self) -> str:
        return "\n".join(str(issue) for issue in self.issues)


@dataclass(frozen=True, slots=True)
class Message:
    """A kind of problem: its number, FHIR IssueType, title and the usual next step."""

    number: int
    code: IssueType
    title: str
    next_step: str
    severity: Severity = "error"

    def __post_init__(self) -> None:
        if self.code not in get_args(IssueType):
            raise ValueError(f"message {self.number}: {self.code} is not a FHIR IssueType")
        if self.number in CATALOGUE:
            raise ValueError(f"message number {self.number} is declared twice")
        CATALOGUE[self.number] = self

    def issue(
        self,
        text: str,
        *,
        source: SourceLocation | None = None,
        mapping: MappingLocation | None = None,
        expression: str | None = None,
        next_step: str | None = None,
        severity: Severity | None = None,
    ) -> Issue:
        """Return an issue of this kind; the usual next step stands in where none is given."""
        return Issue(
            severity=severity or self.severity,
            code=self.code,
            number=self.number,
            text=text,
            next_step=next_step or self.next_step,
            source=source,
            mapping=mapping,
            expression=expression,
        )


CATALOGUE: dict[int, Message] = {}
"""Every message declared so far, by number; the reference page is generated from it."""
