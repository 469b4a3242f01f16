"""Compiles the text of one mapping, and runs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from fhir_backpain.artifacts.located_yaml import parse_yaml
from fhir_backpain.fhir import json_text
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.mapping.codegen import RecordProgram, compile_record
from fhir_backpain.mapping.declaration import Fragment, read_declaration, read_fragments
from fhir_backpain.mapping.feed import Feed, compile_feed
from fhir_backpain.mapping.functions.registry import resource_functions
from fhir_backpain.mapping.library import Library, load_library

Compile = Callable[..., RecordProgram]
Make = Callable[..., dict[str, Any]]
MakeFeed = Callable[[str], Feed]

_HEAD = "mapping: m\nsource: {source}\nmakes: Observation\nbelongs to: record\nkey: [k]\n"


@pytest.fixture(scope="session")
def library() -> Library:
    return load_library()


@pytest.fixture
def compiled(tmp_path: Path, library: Library) -> Compile:
    """Compile a resource's template; line 7 of the file is its first line."""

    def compile_template(
        resource: str, source: str = "assessment", head: str = _HEAD, fragments: str = ""
    ) -> RecordProgram:
        path = tmp_path / "m.map.yaml"
        body = indent(dedent(resource).strip("\n"), "  ")
        path.write_text(f"{head.format(source=source)}resource:\n{body}\n", "utf-8")
        declaration = read_declaration(path)
        return compile_record(
            source,
            [declaration],
            resource_functions(library),
            {**library.fragments, **_fragments(tmp_path, fragments)},
        )

    return compile_template


def _fragments(folder: Path, text: str) -> dict[str, Fragment]:
    if not text:
        return {}
    path = folder / "fragments.yaml"
    path.write_text("fragments:\n" + indent(dedent(text).strip("\n"), "  ") + "\n", "utf-8")
    return {fragment.name: fragment for fragment in read_fragments(path)}


@pytest.fixture
def make(compiled: Compile) -> Make:
    """Return what a template makes of a record, without resourceType and id."""

    def make_one(resource: str, data: dict[str, Any], **options: str) -> dict[str, Any]:
        made = run(compiled(resource, data["record"], **options), data)
        assert len(made) == 1
        return made[0]

    return make_one


def run(compiled: RecordProgram, data: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a mapping makes of a record, without resourceType and id."""
    made: list[MadeResource] = compiled.map(data)
    trees = [json_text.parse(resource.text) for resource in made]
    return [{k: v for k, v in tree.items() if k not in ("resourceType", "id")} for tree in trees]


@pytest.fixture
def make_feed() -> MakeFeed:
    """Compile a feed mapping from its text; findings name the file ``f.feed.yaml``."""
    return lambda text: compile_feed(parse_yaml(dedent(text), "f.feed.yaml"))
