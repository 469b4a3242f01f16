"""Writes the reference pages that are made from the code: ``make docs``.

With ``--check`` it writes nothing, and names the pages that are out of date.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from pathlib import Path

import fhir_backpain
from docs.concept_pages import concept_pages
from docs.concept_table import concept_page, shown_concepts
from docs.fault_matrix import fault_matrix_page
from docs.instruments_page import instruments_page
from docs.profile_pages import profile_pages
from docs.profile_requirements import requirements_page
from docs.protocol_pages import protocol_pages
from fhir_backpain.mapping.functions.registry import feed_functions, resource_functions
from fhir_backpain.mapping.library import load_library
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.mapping.trace.plan import one_way
from fhir_backpain.outcome import CATALOGUE
from fhir_backpain.record import RECORD_TYPES
from fhir_backpain.validation.record_reference import record_reference
from fhir_backpain.validation.resource.reference_page import validation_reference

FOLDER = Path(__file__).parent
_FOLDERS = ("reference", "profiles")
"""Those below it that hold generated pages alone."""


def pages() -> dict[str, str]:
    """Return the text of every generated page by its path below the folder."""
    mapper = load_mapper()
    reference = {f"reference/{name}": text for name, text in reference_pages(mapper).items()}
    return reference | {f"profiles/{name}": text for name, text in profile_pages(mapper).items()}


def reference_pages(mapper: Mapper) -> dict[str, str]:
    """Return the text of every reference page by file name."""
    groups = shown_concepts(mapper)
    pages = {
        "records.md": record_reference(),
        "messages.md": messages_page(),
        "mapping-language.md": language_page(),
        "instruments.md": instruments_page(),
        "concepts.md": concept_page(groups),
        "mappings.md": mappings_page(mapper),
        "validation.md": validation_reference(),
        "fault-matrix.md": fault_matrix_page(),
        "profile-requirements.md": requirements_page(mapper),
    }
    pages |= {f"concepts/{name}": text for name, text in concept_pages(groups).items()}
    named = protocol_pages(mapper).items()
    return pages | {f"concepts/protocol/{name}": text for name, text in named}


def messages_page() -> str:
    """Return the table of every message that the package can give."""
    for module in pkgutil.walk_packages(fhir_backpain.__path__, "fhir_backpain."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    rows = [
        f"| FBP-{number} | {message.severity} | {message.code} | {message.title} "
        f"| {message.next_step} |"
        for number, message in sorted(CATALOGUE.items())
    ]
    return "\n".join(
        [
            "# Messages",
            "",
            "Every problem is an OperationOutcome issue with one of these numbers. Numbers are",
            "never re-used: 1xxx shipped and configured files, 2xxx sources, 3xxx mapping, 4xxx",
            "validation, 5xxx outbox, 6xxx remote servers, 8xxx gateway and command line, 9xxx",
            "sandbox and made-up clinic.",
            "",
            "| number | severity | IssueType | what | next |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def language_page() -> str:
    """Return the page of the mapping language, from the docstrings of its parts."""
    template = inspect.getdoc(importlib.import_module("fhir_backpain.mapping.template"))
    feed = inspect.getdoc(importlib.import_module("fhir_backpain.mapping.feed"))
    concept_map = inspect.getdoc(importlib.import_module("fhir_backpain.terminology.concept_map"))
    instrument = inspect.getdoc(importlib.import_module("fhir_backpain.instruments.instrument"))
    scoring = inspect.getdoc(importlib.import_module("fhir_backpain.instruments.scoring_rule"))
    return "\n".join(
        [
            "# The mapping language",
            "",
            *_plain(template),
            "",
            "## Functions of a mapping to FHIR",
            "",
            *_functions(resource_functions(load_library())),
            "## Functions of a feed mapping",
            "",
            *_functions(feed_functions()),
            "## Feed mappings",
            "",
            *_plain(feed),
            "",
            "## Concept maps",
            "",
            *_plain(concept_map),
            "",
            "## Instruments",
            "",
            *_plain(instrument),
            "",
            "## Scoring of an instrument",
            "",
            *_plain(scoring),
            "",
        ]
    )


def _plain(text: str | None) -> list[str]:
    """Return a docstring as Markdown: literal blocks and literals in its own form."""
    lines = []
    for line in (text or "").splitlines():
        stripped = line.replace("``", "`")
        lines.append(stripped[:-1] if stripped.endswith("::") else stripped)
    return lines


def _functions(functions: object) -> list[str]:
    lines = []
    for name, function in sorted(dict(functions).items()):  # type: ignore[call-overload]
        lines += [f"### {name}", "", *_plain(inspect.getdoc(function)), ""]
    return lines


def mappings_page(mapper: Mapper) -> str:
    """Return the table of the shipped mappings, by record type."""
    lines = [
        "# Mappings",
        "",
        "What each record type becomes, in the order in which it is made.",
        "",
    ]
    for record_type in RECORD_TYPES:
        lines += [f"## {record_type}", "", "| mapping | makes | reads |", "|---|---|---|"]
        for rule in mapper.rules(record_type):
            read = ", ".join(f"`{path}`" for path in sorted(rule.used))
            lines.append(f"| {rule.name} | {rule.makes} | {read} |")
        lines.append("")
    lines += [
        "## What is not read back",
        "",
        "The way back holds everything that a rule makes against the rebuilt record. These",
        "elements give no value of their own to it; the reason stands beside each.",
        "",
        "| element | function | one-way, because |",
        "|---|---|---|",
    ]
    found = [
        line
        for record_type in RECORD_TYPES
        for line in one_way(mapper.declarations(record_type), mapper.library)
    ]
    rows = {f"| {line.element} | {line.function} | {line.one_way} |" for line in found}
    lines += [*sorted(rows), ""]
    return "\n".join(lines)


def outdated() -> list[str]:
    """Return the names of the files that are not what the code says, or that no code makes."""
    made = pages()
    kept = {name: (FOLDER / name).read_text(encoding="utf-8") for name in _there()}
    return sorted(name for name in {*made, *kept} if made.get(name) != kept.get(name))


def _there() -> list[str]:
    """Return the names of the files in the folders of generated pages."""
    found = [path for folder in _FOLDERS for path in (FOLDER / folder).rglob("*")]
    return [path.relative_to(FOLDER).as_posix() for path in found if path.is_file()]


def main(arguments: list[str]) -> int:
    """Write every page, or with ``--check`` say which are out of date; return an exit code."""
    if arguments == ["--check"]:
        stale = outdated()
        for name in stale:
            print(f"{name} is out of date: run `make docs`")
        return 1 if stale else 0
    made = pages()
    for name, text in made.items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_text(text, encoding="utf-8")
    for name in set(_there()) - made.keys():
        (FOLDER / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
