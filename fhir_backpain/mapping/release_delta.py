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

from fhir_backpain.artifacts import messages as artifact_messages
from fhir_backpain.artifacts.located_yaml import (
    YamlMap,
    YamlScalar,
    fail,
    read_yaml,
    refuse_unknown,
    want_map,
    want_text,
)
from fhir_backpain.definitions.definitions import RELEASES
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.declaration import Declaration
from fhir_backpain.mapping.template import ObjectTemplate, Template, read_template
from fhir_backpain.outcome import MappingLocation

BASE_RELEASE = "R4"


@dataclass(frozen=True, slots=True)
class MappingDelta:
    """The elements of one mapping that change, None for those that go; and where each stands."""

    members: Mapping[str, Template | None]
    member_locations: Mapping[str, MappingLocation]
    location: MappingLocation


@dataclass(frozen=True, slots=True)
class ReleaseDelta:
    """All changes of a release, by mapping."""

    release: str
    mappings: Mapping[str, MappingDelta]


def read_delta(path: Path) -> ReleaseDelta:
    """Return the delta of a file; raises MappingSyntaxError with the place."""
    tree = read_yaml(path)
    refuse_unknown(tree, {"release", "mappings"})
    mappings = want_map(tree, "mappings")
    deltas = {
        name: _read_mapping(want_map(mappings, name), mappings.key_locations[name])
        for name in mappings.entries
    }
    return ReleaseDelta(_release(tree), deltas)


def _release(tree: YamlMap) -> str:
    """A delta of a release that nobody asks for would never be applied."""
    text = want_text(tree, "release")
    if text not in RELEASES:
        raise fail(
            artifact_messages.WRONG_KIND,
            f"A release is one of: {', '.join(RELEASES)}.",
            tree.entries["release"].location,
        )
    return text


def _read_mapping(tree: YamlMap, where: MappingLocation) -> MappingDelta:
    members = {
        key: None if isinstance(item, YamlScalar) and item.value is None else read_template(item)
        for key, item in tree.entries.items()
    }
    return MappingDelta(members, tree.key_locations, where)


def for_release(
    declarations: Iterable[Declaration], deltas: Iterable[ReleaseDelta]
) -> list[Declaration]:
    """Return the declarations as a release has them.

    Raises MappingSyntaxError for a delta of a mapping or an element that is not there.
    """
    changed = list(declarations)
    names = {declaration.name for declaration in changed}
    for delta in deltas:
        for name, mapping in delta.mappings.items():
            if name not in names:
                text = f"There is no mapping '{name}'."
                raise fail(messages.PATH_UNKNOWN, text, mapping.location)
        changed = [
            _changed(one, delta.mappings[one.name]) if one.name in delta.mappings else one
            for one in changed
        ]
    return changed


def _changed(declaration: Declaration, delta: MappingDelta) -> Declaration:
    template = declaration.template
    if not isinstance(template, ObjectTemplate):
        raise fail(messages.SLOT_ARGUMENT, "A resource is a map.", template.location)
    members = dict(template.members)
    for name, member in delta.members.items():
        if member is not None:
            members[name] = member
        elif members.pop(name, None) is None:
            text = f"'{declaration.name}' makes no element '{name}'."
            raise fail(messages.PATH_UNKNOWN, text, delta.member_locations[name])
    return replace(declaration, template=ObjectTemplate(members, template.location))
