"""Reads the text of one mapping, and traces records through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from fhir_backpain.mapping.declaration import (
    Declaration,
    Fragment,
    read_declaration,
    read_fragments,
)
from fhir_backpain.mapping.library import Library, load_library
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.mapping.trace.trace import Trace
from fhir_backpain.mapping.trace.tracer import Tracer

Declare = Callable[..., Declaration]
TraceOne = Callable[..., Trace]
MakeOne = Callable[..., dict[str, Any]]

HEAD = "mapping: m\nsource: [assessment, care-plan, observation]\nmakes: Observation\n"
OWN = "belongs to: record\nkey: [k]\n"


@pytest.fixture(scope="session")
def shipped() -> Mapper:
    return load_mapper()


@pytest.fixture(scope="session")
def library() -> Library:
    return load_library()


@pytest.fixture
def declare(tmp_path: Path) -> Declare:
    """Read the mapping with a resource's template; line 7 of its file is the first line."""

    def read(resource: str, head: str = HEAD, own: str = OWN) -> Declaration:
        path = tmp_path / "m.map.yaml"
        body = indent(dedent(resource).strip("\n"), "  ")
        path.write_text(f"# A mapping\n{head}{own}resource:\n{body}\n", "utf-8")
        return read_declaration(path)

    return read


@pytest.fixture
def fragments(tmp_path: Path) -> Callable[[str], dict[str, Fragment]]:
    """Read fragments; line 2 of their file is the first line."""

    def read(text: str) -> dict[str, Fragment]:
        path = tmp_path / "fragments.yaml"
        path.write_text("fragments:\n" + indent(dedent(text).strip("\n"), "  ") + "\n", "utf-8")
        return {fragment.name: fragment for fragment in read_fragments(path)}

    return read


@pytest.fixture
def trace(
    library: Library, declare: Declare, fragments: Callable[[str], dict[str, Fragment]]
) -> TraceOne:
    """Trace a record through one mapping."""

    def trace_one(resource: str, data: dict[str, Any], shared: str = "", **options: str) -> Trace:
        declaration = declare(resource, **options)
        known = replace(library, fragments=fragments(shared)) if shared else library
        return Tracer(known, {data["record"]: [declaration]}).trace(data)

    return trace_one


@pytest.fixture
def make(trace: TraceOne) -> MakeOne:
    """Return what a template makes of a record, without resourceType and id."""

    def make_one(resource: str, data: dict[str, Any], **options: str) -> dict[str, Any]:
        (made,) = trace(resource, data, **options).resources
        return {k: v for k, v in made.json.items() if k not in ("resourceType", "id")}

    return make_one
