"""What another FHIR release changes in the mappings, as data.

A file of ``mappings/releases`` reads::

    release: R5
    without: [meta.profile]              # paths that no mapping makes there
    mappings:
      record-encounter:
        period: null                     # the element is gone
        actualPeriod: {start: =encounter.start, end: =encounter.end}      # new or changed

Elements are those of the resource itself; a changed one is written anew. The others stay. What a
path of ``without`` leads to is taken out of every mapping that writes it; not out of fragments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fhir_backpain.artifacts import messages as artifact_messages
from fhir_backpain.artifacts.located_yaml import (
    YamlList,
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
class Dropped:
    """A path of JSON names that no mapping makes in a release."""

    path: tuple[str, ...]
    location: MappingLocation


@dataclass(frozen=True, slots=True)
class ReleaseDelta:
    """All changes of a release: those of each mapping, and what goes from all of them."""

    release: str
    mappings: Mapping[str, MappingDelta]
    without: tuple[Dropped, ...] = ()


def read_delta(path: Path) -> ReleaseDelta:
    """Return the delta of a file; raises MappingSyntaxError with the place."""
    tree = read_yaml(path)
    refuse_unknown(tree, {"release", "without", "mappings"})
    mappings = want_map(tree, "mappings") if "mappings" in tree else YamlMap({}, {}, tree.location)
    deltas = {
        name: _read_mapping(want_map(mappings, name), mappings.key_locations[name])
        for name in mappings.entries
    }
    return ReleaseDelta(_release(tree), deltas, tuple(_without(tree)))


def _without(tree: YamlMap) -> Iterator[Dropped]:
    node = tree.get("without")
    if node is None:
        return
    if not isinstance(node, YamlList):
        raise fail(artifact_messages.WRONG_KIND, "'without' is a list of paths.", node.location)
    for item in node:
        if not isinstance(item, YamlScalar):
            raise fail(artifact_messages.WRONG_KIND, "A path is text.", item.location)
        yield Dropped(tuple(item.text.split(".")), item.location)


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
        for dropped in delta.without:
            changed = _all_without(changed, dropped)
    return changed


def _all_without(declarations: list[Declaration], dropped: Dropped) -> list[Declaration]:
    """Return the declarations without a path; one that none of them writes is a mistake."""
    changed = [replace(one, template=_pruned(one.template, dropped.path)) for one in declarations]
    if all(
        one.template is other.template for one, other in zip(declarations, changed, strict=True)
    ):
        text = f"No mapping makes '{'.'.join(dropped.path)}'."
        raise fail(messages.PATH_UNKNOWN, text, dropped.location)
    return changed


def _pruned(node: Template, path: tuple[str, ...]) -> Template:
    """Return a template without what a path leads to; the same one where it leads nowhere."""
    if not isinstance(node, ObjectTemplate) or path[0] not in node.members:
        return node
    members = dict(node.members)
    member = members.pop(path[0])
    if len(path) > 1:
        inner = _pruned(member, path[1:])
        if inner is member:
            return node
        members = {name: inner if name == path[0] else one for name, one in node.members.items()}
    return ObjectTemplate(members, node.location)


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
