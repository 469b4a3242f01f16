"""What another FHIR release changes in the mappings, as data.

A file of ``mappings/releases`` reads::

    release: R5
    mappings:
      record-encounter:
        period: null                     # the element is gone
        actualPeriod: {start: =encounter.start, end: =encounter.end}      # new or changed

Elements are those of the resource itself; a changed one is written anew. The others stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fhir_backpain.artifacts.located_yaml import (
    YamlScalar,
    fail,
    read_yaml,
    refuse_unknown,
    want_map,
    want_text,
)
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.declaration import Declaration
from fhir_backpain.mapping.template import ObjectTemplate, Template, read_template
from fhir_backpain.outcome import MappingLocation

BASE_RELEASE = "R4"


@dataclass(frozen=True, slots=True)
class MappingDelta:
    """The elements of one mapping that change; None for those that go."""

    members: Mapping[str, Template | None]
    location: MappingLocation


@dataclass(frozen=True, slots=True)
class ReleaseDelta:
    """All changes of a release, by mapping."""

    release: str
    mappings: Mapping[str, MappingDelta]


def read_deltas(folder: Path, release: str) -> list[ReleaseDelta]:
    """Return the deltas of a release in a folder; raises MappingSyntaxError with the place."""
    found = [_read(path) for path in sorted(folder.glob("*.delta.yaml"))]
    return [delta for delta in found if delta.release == release]


def _read(path: Path) -> ReleaseDelta:
    tree = read_yaml(path)
    refuse_unknown(tree, {"release", "mappings"})
    mappings = want_map(tree, "mappings")
    deltas = {}
    for name in mappings.entries:
        members = want_map(mappings, name)
        deltas[name] = MappingDelta(
            {
                key: None
                if isinstance(item, YamlScalar) and item.value is None
                else read_template(item)
                for key, item in members.entries.items()
            },
            mappings.key_locations[name],
        )
    return ReleaseDelta(want_text(tree, "release"), deltas)


def for_release(
    declarations: Iterable[Declaration], deltas: Iterable[ReleaseDelta]
) -> list[Declaration]:
    """Return the declarations as a release has them.

    Raises MappingSyntaxError for a delta of a mapping or an element that is not there.
    """
    changed = {declaration.name: declaration for declaration in declarations}
    for delta in deltas:
        for name, mapping in delta.mappings.items():
            if name not in changed:
                text = f"There is no mapping '{name}'."
                raise fail(messages.PATH_UNKNOWN, text, mapping.location)
            changed[name] = _changed(changed[name], mapping)
    return list(changed.values())


def _changed(declaration: Declaration, delta: MappingDelta) -> Declaration:
    template = declaration.template
    assert isinstance(template, ObjectTemplate)
    members = dict(template.members)
    for name, member in delta.members.items():
        if member is not None:
            members[name] = member
        elif members.pop(name, None) is None:
            text = f"'{declaration.name}' makes no element '{name}'."
            raise fail(messages.PATH_UNKNOWN, text, delta.location)
    return replace(declaration, template=ObjectTemplate(members, template.location))
