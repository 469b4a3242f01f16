"""The third strength: HL7's own validator, in one warm Java process.

It is fetched once from package registries (`fhir_backpain.hl7`), and asks no server afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, get_args

from fhir_backpain.errors import SourceError
from fhir_backpain.fhir import json_text
from fhir_backpain.hl7.validator import Validator, ValidatorIssue
from fhir_backpain.outcome import Issue, IssueType, Message
from fhir_backpain.validation.resource.conformance import shipped_package

FOUND_BY_HL7 = Message(
    4066, "invalid", "HL7's validator has found something",
    "Correct what it names; its own words, which may quote values, come with --show-values.",
)  # fmt: skip

_CODES: tuple[str, ...] = get_args(IssueType)
_SEVERITIES = ("fatal", "error", "warning", "information")
# What names a vocabulary or a type is no patient's value.
_NAMES = frozenset(("resourceType", "system", "profile", "url"))


class OfficialValidator:
    """HL7's validator for the length of a `with` block; its definitions are loaded once.

    The shipped profiles are loaded, then `packages`: folders, package files (.tgz) or
    ``name#version`` of the cache. Its messages quote values: with `show_values` they are passed on
    as they are, else every value of the resource is left out of them. Entering raises
    CounterpartError where Java, or at the first time Maven and npm, are missing.
    """

    def __init__(
        self,
        packages: Iterable[Path] = (),
        profiles: Sequence[str] = (),
        *,
        show_values: bool = False,
    ) -> None:
        shipped = shipped_package()
        igs = [*packages, *([shipped] if shipped.is_dir() else [])]
        self._validator = Validator("4.0.1", igs)
        self._profiles = tuple(profiles)
        self._show_values = show_values

    def validate(self, resource: Any) -> list[Issue]:
        """Return what it finds in a resource: JSON data, or its text as str or bytes."""
        text = resource if isinstance(resource, str | bytes) else json_text.dump(resource)
        content = text.encode() if isinstance(text, str) else text
        found = self._validator.validate(content, profiles=self._profiles)
        values = None if self._show_values else values_of(content)
        return [_issue(one, values) for one in found]

    def __enter__(self) -> OfficialValidator:
        self._validator.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._validator.stop()


def _issue(found: ValidatorIssue, values: re.Pattern[str] | None) -> Issue:
    text = found.message if values is None else values.sub("…", found.message)
    severity: Any = found.severity if found.severity in _SEVERITIES else "information"
    issue = FOUND_BY_HL7.issue(
        f"{text.rstrip('.')} [{found.message_id or found.code}].",
        expression=found.expression,
        severity=severity,
    )
    code: Any = found.code if found.code in _CODES else issue.code
    return replace(issue, code=code)


def values_of(content: bytes) -> re.Pattern[str]:
    """Return an expression that finds each value of a resource in a message about it."""
    try:
        data = json_text.parse(content)
    except SourceError:  # whatever is no JSON is all a value
        return re.compile(r".+", re.DOTALL)
    found = sorted({value for value in _values(data) if value.strip()}, key=len, reverse=True)
    if not found:
        return re.compile(r"(?!)")
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, found)) + r")(?!\w)")


def _values(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name not in _NAMES:
                yield from _values(value)
    elif isinstance(node, list):
        for value in node:
            yield from _values(value)
    elif node is not None and not isinstance(node, bool):
        yield str(node)
