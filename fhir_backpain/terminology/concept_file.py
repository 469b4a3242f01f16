"""Concepts that a mappings folder brings along: its concepts.csv and its code systems.

``concepts.csv`` has the columns key, system, code and display. A ``CodeSystem-….json`` is a FHIR
CodeSystem; the keys of its concepts are its id, a dot and the code: ``clinic.orebro-short``.

FHIR: CodeSystem, http://hl7.org/fhir/R4/codesystem.html
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fhir_backpain.artifacts.finder import shown_path
from fhir_backpain.errors import ArtifactError, SourceError
from fhir_backpain.fhir import json_text
from fhir_backpain.outcome import Issue, MappingLocation
from fhir_backpain.terminology import messages
from fhir_backpain.terminology.concept import Concept, ConceptTable, load_concepts

COLUMNS = ("key", "system", "code", "display")


def concept_files(folder: Path) -> list[Path]:
    """Return the files of a mappings folder that hold concepts of its own."""
    table = folder / "concepts.csv"
    return [*([table] if table.is_file() else []), *sorted(folder.glob("CodeSystem-*.json"))]


def read_concept_file(path: Path) -> Iterator[tuple[Concept, MappingLocation]]:
    """Yield each concept of a file with its place; raises ArtifactError where it is wrong."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise _wrong(path, f"The file cannot be read: {type(problem).__name__}.") from None
    return _of_table(path, text) if path.suffix == ".csv" else _of_code_system(path, text)


def _of_table(path: Path, text: str) -> Iterator[tuple[Concept, MappingLocation]]:
    rows = csv.DictReader(text.splitlines(), strict=True)
    try:
        missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise _wrong(path, f"The table has no column: {', '.join(missing)}.")
        for row in rows:
            parts = [(row[name] or "").strip() for name in COLUMNS]
            if not all(parts):
                listed = ", ".join(COLUMNS)
                raise _wrong(path, f"Each row needs a text for: {listed}.", rows.line_num)
            yield Concept(*parts), _place(path, rows.line_num)
    except csv.Error:
        # The line on which the quotes go wrong is not counted yet.
        raise _wrong(path, "The table's quotes cannot be read.", rows.line_num + 1) from None


def _of_code_system(path: Path, text: str) -> Iterator[tuple[Concept, MappingLocation]]:
    system = _parsed(path, text)
    id_, url, concepts = (system.get(name) for name in ("id", "url", "concept"))
    if system.get("resourceType") != "CodeSystem" or not isinstance(concepts, list):
        raise _wrong(path, "The file holds no CodeSystem with a list of concepts.")
    if not (isinstance(id_, str) and id_ and isinstance(url, str) and ":" in url):
        raise _wrong(path, "The CodeSystem needs an id and an absolute url.")
    for index, item in enumerate(concepts):
        line, column = json_text.locate(text, f"/concept/{index}") or (1, 1)
        found = item if isinstance(item, dict) else {}
        code, display = found.get("code"), found.get("display")
        if not (isinstance(code, str) and code and isinstance(display, str) and display):
            raise _wrong(path, "Each concept needs a code and a display.", line, column)
        yield Concept(f"{id_}.{code}", url, code, display), _place(path, line, column)


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        data = json_text.parse(text)
    except SourceError as error:
        (issue,) = error.issues
        here = issue.source
        line, column = (here.line or 1, here.column or 1) if here else (1, 1)
        raise _wrong(path, issue.text, line, column) from None
    return data if isinstance(data, dict) else {}


def _wrong(path: Path, text: str, line: int = 1, column: int = 1) -> ArtifactError:
    place = _place(path, line, column)
    return ArtifactError(messages.CONCEPT_FILE.issue(text, mapping=place))


def _place(path: Path, line: int, column: int = 1) -> MappingLocation:
    return MappingLocation(shown_path(path), line, column)


def load_concepts_of(folder: Path) -> ConceptTable:
    """Return the shipped concepts and those that a mappings folder brings along.

    Raises ArtifactError with every file that is wrong, and for a key that is there already.
    """
    shipped = load_concepts()
    own: dict[str, Concept] = {}
    problems: list[Issue] = []
    for path in concept_files(folder):
        try:
            for concept, place in read_concept_file(path):
                if concept.key in shipped or concept.key in own:
                    text = f"The concept '{concept.key}' is there already."
                    problems.append(messages.CONCEPT_TWICE.issue(text, mapping=place))
                own.setdefault(concept.key, concept)
        except ArtifactError as error:
            problems += error.issues
    if problems:
        raise ArtifactError(problems)
    return ConceptTable([*shipped.values(), *own.values()]) if own else shipped
