"""What a server says about a failure, as issues of ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

from fhir_backpain.outcome import Issue, IssueType, Message, Severity

_MAX_ISSUES = 50
_MAX_TEXT = 500


def read_issues(outcome: Any, message: Message, status: int | None) -> list[Issue]:
    """Return the issues of an OperationOutcome, each as `message`; none where it is no outcome.

    Notes and warnings of the server are left out where it names an error. The text is the
    server's, shortened and without control characters.
    """
    if not isinstance(outcome, dict) or outcome.get("resourceType") != "OperationOutcome":
        return []
    elements = outcome.get("issue")
    if not isinstance(elements, list):
        return []
    found = [item for item in elements if isinstance(item, dict)]
    errors = [item for item in found if item.get("severity") in ("fatal", "error")]
    return [_issue(item, message, status) for item in (errors or found)[:_MAX_ISSUES]]


def clean(text: Any) -> str:
    """Return a text from outside as one line without control characters, shortened."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= _MAX_TEXT else line[: _MAX_TEXT - 1] + "…"


def _issue(item: dict[str, Any], message: Message, status: int | None) -> Issue:
    details = item.get("details")
    told = details.get("text") if isinstance(details, dict) else None
    said = clean(told or item.get("diagnostics") or "no reason given")
    expression = item.get("expression") or item.get("location")
    first = expression[0] if isinstance(expression, list) and expression else None
    issue = message.issue(
        f"The server answered {status}: {said}" if status else f"The server says: {said}",
        expression=clean(first) if first else None,
        severity=_severity(item.get("severity")),
    )
    return replace(issue, code=_code(item.get("code")) or issue.code)


def _code(value: Any) -> IssueType | None:
    return next((code for code in get_args(IssueType) if code == value), None)


def _severity(value: Any) -> Severity | None:
    return next((severity for severity in get_args(Severity) if severity == value), None)
