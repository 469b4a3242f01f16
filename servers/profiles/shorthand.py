"""FHIR Shorthand (FSH), written by a program."""

from __future__ import annotations

from collections.abc import Iterable

from fhir_backpain.terminology.concept import Concept


def quoted(text: str) -> str:
    """Return a string literal.

    >>> quoted('say "ah"')
    '"say \\\\"ah\\\\""'
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def heading(kind: str, name: str, identifier: str, title: str, description: str) -> list[str]:
    """Return the first lines of a definition."""
    return [
        f"{kind}: {name}",
        f"Id: {identifier}",
        f"Title: {quoted(title)}",
        f"Description: {quoted(description)}",
    ]


def code_line(concept: Concept) -> str:
    """Return the line that puts a concept into a value set."""
    return f"* {concept.system}#{_code(concept.code)} {quoted(concept.display)}"


def document(definitions: Iterable[list[str]]) -> str:
    """Return the text of a file of definitions."""
    return "\n\n".join("\n".join(lines) for lines in definitions) + "\n"


def _code(code: str) -> str:
    return quoted(code) if " " in code else code
