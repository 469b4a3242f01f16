"""Whether a node of a template is there for every valid record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fhir_backpain.artifacts.located_yaml import YamlList, YamlScalar
from fhir_backpain.mapping.declaration import Fragments
from fhir_backpain.mapping.functions.arguments import argument, arguments, option
from fhir_backpain.mapping.scope import Reach, Scope
from fhir_backpain.mapping.source_shape import ListShape, ObjectShape, Shape
from fhir_backpain.mapping.template import (
    Each,
    FirstOf,
    ListTemplate,
    Literal,
    ObjectTemplate,
    Slot,
    Template,
    Use,
    When,
)

# Functions whose value is there for every record: every record makes a Patient before the rule
# that lists what was made.
_ALWAYS = frozenset({"fixed", "fixed coding", "own", "made"})


@dataclass(frozen=True, slots=True)
class Certainty:
    """Answers for the templates of one folder."""

    fragments: Fragments

    def of(self, node: Template, scope: Scope) -> bool:
        """Return whether a node is there whatever a valid record holds."""
        if isinstance(node, Literal):
            return True
        if isinstance(node, Slot):
            return _slot(node, scope)
        if isinstance(node, Use):
            fragment = self.fragments[node.fragment]
            return self.of(fragment.template, inside_fragment(node, scope))
        if isinstance(node, FirstOf):
            return any(self.of(item, scope) for item in node.alternatives)
        if isinstance(node, ObjectTemplate):
            return self._of_parts(tuple(node.members.values()), scope)
        if isinstance(node, ListTemplate):
            return any(self.of(item, scope) for item in node.items)
        if isinstance(node, Each):
            reach = scope.find(node.path, node.location)
            return reach.certain and isinstance(reach.shape, ListShape)
        return False

    def of_one(self, nodes: Sequence[Template], scope: Scope) -> bool:
        """Return whether one of several nodes is there whatever a valid record holds.

        So it is where one is for itself, or where they take all fields of which a record has one.
        """
        if any(self.of(node, scope) for node in nodes):
            return True
        wanted = {path for node in nodes for path in self._needed(node, scope)}
        return any(
            {f"{owner}.{name}" if owner else name for name in shape.one_of} <= wanted
            for owner, shape in self._owners(wanted, scope)
        )

    def _needed(self, node: Template, scope: Scope) -> Iterator[str]:
        """Yield each path that makes a node be there: the one that it needs, if it is one only."""
        if isinstance(node, FirstOf):
            for item in node.alternatives:
                yield from self._needed(item, scope)
        elif isinstance(node, Use):
            fragment = self.fragments[node.fragment]
            yield from self._needed(fragment.template, inside_fragment(node, scope))
        elif isinstance(node, Slot) and node.function not in ("reference", "actor", "text"):
            reaches = [scope.find(path, node.location) for path in arguments(node)]
            missing = [reach.path for reach in reaches if not reach.certain]
            if len(missing) == 1:
                yield missing[0]

    def _owners(self, paths: Iterable[str], scope: Scope) -> Iterator[tuple[str, ObjectShape]]:
        """Yield the objects that have the members at some full paths."""
        for owner in {path.rpartition(".")[0] for path in paths}:
            shape: Shape = scope.root.shape
            for step in owner.split(".") if owner else ():
                name, is_item, _ = step.partition("[]")
                assert isinstance(shape, ObjectShape)
                shape = shape.members[name].shape
                if is_item:
                    assert isinstance(shape, ListShape)
                    shape = shape.item
            if isinstance(shape, ObjectShape) and shape.one_of:
                yield owner, shape

    def is_live(self, node: Template, scope: Scope) -> bool:
        """Return whether a node depends on the record at all."""
        if isinstance(node, Literal):
            return False
        if isinstance(node, Slot):
            return node.function not in _ALWAYS
        if isinstance(node, Use):
            fragment = self.fragments[node.fragment]
            return self.is_live(fragment.template, inside_fragment(node, scope))
        if isinstance(node, ObjectTemplate):
            return any(self.is_live(item, scope) for item in node.members.values())
        if isinstance(node, ListTemplate):
            return any(self.is_live(item, scope) for item in node.items)
        return isinstance(node, Each | When | FirstOf)

    def _of_parts(self, parts: tuple[Template, ...], scope: Scope) -> bool:
        """An object is there where nothing in it is live, or something live is certain."""
        live = [part for part in parts if self.is_live(part, scope)]
        return not live or any(self.of(part, scope) for part in live)


def inside_fragment(node: Use, scope: Scope) -> Scope:
    """Return the scope in which a fragment's own template is read."""
    return scope.only(
        {name: scope.find(path, node.location) for name, path in node.arguments.items()}
    )


def inside_each(node: Each, scope: Scope) -> Scope:
    """Return the scope in which the body of a repetition is read."""
    reach = scope.find(node.path, node.location)
    assert isinstance(reach.shape, ListShape)
    return scope.with_name(node.name, Reach("e", reach.shape.item, True, f"{reach.path}[]"))


def _slot(node: Slot, scope: Scope) -> bool:
    if node.function in _ALWAYS:
        return True
    if node.function in ("copy", "code", "narrative") and option(node, "else") is not None:
        return True
    if node.function == "reference":
        return _reference(node, scope)
    if node.function == "actor":
        return scope.find(f"{argument(node)}.identifier.value", node.location).certain
    if node.function == "text":
        paths = [part.partition("}")[0] for part in argument(node).split("{")[1:]]
    else:
        paths = arguments(node)
    return all(scope.find(path, node.location).certain for path in paths)


def _reference(node: Slot, scope: Scope) -> bool:
    if argument(node) == "Patient":
        return True
    other = option(node, "of record")
    paths = [other] if other else []
    key = node.options.get("key")
    parts = key.items if isinstance(key, YamlList) else ()
    texts = [part.text for part in parts if isinstance(part, YamlScalar)]
    paths += [text[1:] for text in texts if text.startswith("=")][:1]
    return all(scope.find(path.strip(), node.location).certain for path in paths)
