"""Walks a template and a resource side by side, and reads the record's values off it."""

from __future__ import annotations

from typing import Any

from fhir_backpain.mapping.clause import read_clauses
from fhir_backpain.mapping.declaration import Declaration, Fragments
from fhir_backpain.mapping.reverse.address import read_key
from fhir_backpain.mapping.reverse.place import Assignments, Mismatch, Names, Place
from fhir_backpain.mapping.reverse.slots import SlotInverses
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


class Inverter:
    """Turns resources back into parts of records, by the declarations that make them."""

    def __init__(self, inverses: SlotInverses, fragments: Fragments) -> None:
        self._inverses = inverses
        self._fragments = fragments

    def part_of(
        self, declaration: Declaration, resource: dict[str, Any], key: tuple[str, ...]
    ) -> dict[str, Any] | None:
        """Return the part of a record that a resource tells, or None where its key is another's.

        Elements that the rule cannot have made are passed over here; they show when the rebuilt
        record is mapped again.
        """
        values = read_key(declaration.key, key)
        if values is None:
            return None
        record: dict[str, Any] = {}
        out = Assignments()
        names = self._names(declaration, record, out)
        for path, value in values.items():
            out.put(names.place(path), value)
        assert isinstance(declaration.template, ObjectTemplate)
        for name, node in declaration.template.members.items():
            if name in resource:
                self._attempt(node, resource[name], names, out)
        if declaration.condition:
            _assume(declaration.condition, names, out)
        out.apply()
        return record

    def _names(self, declaration: Declaration, record: dict[str, Any], out: Assignments) -> Names:
        names = Names(record, {})
        if declaration.repetition is None:
            return names
        path, name = declaration.repetition
        element: dict[str, Any] = {}
        out.append(names.place(path), element)
        return names.with_name(name, Place(element))

    def _attempt(self, node: Template, json: Any, names: Names, out: Assignments) -> bool:
        mark = out.mark()
        try:
            self._invert(node, json, names, out)
        except Mismatch:
            out.back_to(mark)
            return False
        return True

    def _invert(self, node: Template, json: Any, names: Names, out: Assignments) -> None:
        if isinstance(node, Literal):
            if node.value != json:
                raise Mismatch
        elif isinstance(node, Slot):
            self._inverses.invert(node, json, names, out)
        elif isinstance(node, ObjectTemplate):
            self._invert_object(node, json, names, out)
        elif isinstance(node, ListTemplate):
            self._invert_list(node, json, names, out)
        elif isinstance(node, When):
            self._invert(node.body, json, names, out)
            _assume(node.condition, names, out)
        elif isinstance(node, Use):
            fragment = self._fragments[node.fragment]
            places = {name: names.place(path) for name, path in node.arguments.items()}
            self._invert(fragment.template, json, names.only(places), out)
        elif isinstance(node, FirstOf):
            self._invert_first_of(node, json, names, out)

    def _invert_object(
        self, node: ObjectTemplate, json: Any, names: Names, out: Assignments
    ) -> None:
        if not isinstance(json, dict):
            raise Mismatch
        for name, member in node.members.items():
            if name in json:
                self._invert(member, json[name], names, out)
            elif isinstance(member, Literal) or _is_fixed(member):
                raise Mismatch

    def _invert_list(self, node: ListTemplate, json: Any, names: Names, out: Assignments) -> None:
        if not isinstance(json, list):
            raise Mismatch
        waiting = list(node.items)
        matched = 0
        for item in json:
            for template in sorted(waiting, key=lambda one: not _has_room(one, item)):
                if self._invert_item(template, item, names, out):
                    matched += 1
                    if not isinstance(template, Each):
                        waiting.remove(template)
                    break
        if json and not matched:
            raise Mismatch

    def _invert_item(self, node: Template, item: Any, names: Names, out: Assignments) -> bool:
        if not isinstance(node, Each):
            return self._attempt(node, item, names, out)
        element: dict[str, Any] = {}
        mark = out.mark()
        out.append(names.place(node.path), element)
        if self._attempt(node.body, item, names.with_name(node.name, Place(element)), out):
            return True
        out.back_to(mark)
        return False

    def _invert_first_of(self, node: FirstOf, json: Any, names: Names, out: Assignments) -> None:
        """Take the first alternative that can have made this; `NormalForm` settles equal ones."""
        if not any(self._attempt(item, json, names, out) for item in node.alternatives):
            raise Mismatch


def _has_room(node: Template, item: Any) -> bool:
    """Return whether a template has each member of an item: such a one is tried first."""
    if isinstance(node, Each | When):
        return _has_room(node.body, item)
    if isinstance(node, ObjectTemplate) and isinstance(item, dict):
        return item.keys() <= node.members.keys()
    return True


def _is_fixed(node: Template) -> bool:
    return isinstance(node, Slot) and node.function in ("fixed", "fixed coding")


def _assume(condition: str, names: Names, out: Assignments) -> None:
    """Note what a condition that held says of the record: a word, or that a flag is set."""
    words: dict[str, Any] = {"true": True, "false": False}
    for clause in read_clauses(condition):
        if not clause.is_negated and clause.word not in ("", "present", "missing"):
            out.put(names.place(clause.path), words.get(clause.word, clause.word))
