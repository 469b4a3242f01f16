"""Writes the plan of a JSON text: what is like an example is read and found good in one pass.

The text is read into a class made for the example's shape, at C speed: its members are all
required and no other is allowed, lists are as long, fixed values and codes must be those of the
rules. Generated code then looks at the values. Whatever is otherwise, other judges decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import msgspec

from fhir_backpain.validation.resource.element import ABSENT, Content, Member, Slicing
from fhir_backpain.validation.resource.invariant import Rule, is_asked
from fhir_backpain.validation.resource.memory import copy_of
from fhir_backpain.validation.resource.plan import is_narrowed
from fhir_backpain.validation.resource.plan_list import Looks
from fhir_backpain.validation.resource.quick_primitive import TEXTS
from fhir_backpain.validation.resource.quick_reference import type_names, wanted_types
from fhir_backpain.validation.resource.scope import Scope
from fhir_backpain.validation.resource.shape import has_good_names, is_met_by_names, must_run
from fhir_backpain.validation.resource.slicing import slice_of
from fhir_backpain.validation.resource.text_block import Block, written_length
from fhir_backpain.validation.resource.text_part import (
    Part,
    class_of,
    items_of,
    list_of,
    number,
    number_look,
    object_of,
    pair_of,
    shape_of,
    trimmed,
)

TextSure = Callable[[str], bool]

_MAX_ITEMS = 16
_MAX_CODES = 512
_LITERAL = '{"reference":""},'
_QUOTE = '"'
_IN_REFERENCES = {"reference", "type", "identifier", "display"}


class NoPlanError(Exception):
    """There is no plan for texts like this one."""


class TextPlanWriter:
    """Writes one plan."""

    def __init__(self, looks: Looks) -> None:
        self._looks = looks
        self._scope = Scope()
        self._block = self._root = Block()
        self._has_loops = True
        self._references: list[tuple[Any, Content, frozenset[str], str, str]] = []

    def plan(
        self, content: Content, example: dict[str, Any], advice: Iterable[tuple[Rule, bool]]
    ) -> TextSure:
        """Return the plan for texts that hold what an example holds, which has been found good.

        `advice` are the recommendations of the resource that its values decide, with whether the
        example follows them: others must do as it does. The plan raises ValueError where
        a text is otherwise. Raises NoPlanError where there is none.
        """
        rules = [*((rule, True) for rule in content.rules), *advice]
        part = self._object(content, example, "x", rules=rules)
        decode = self._scope.constant(msgspec.json.Decoder(part.type).decode)
        block = self._block
        return self._scope.compiled(
            f"    x = {decode}(it)\n"
            f"    n = 0\n{''.join(block.lines)}"
            f"    n += {block.sum_of_lengths()}\n"
            # Or there is white space, but no escape, and no field twice: so many quotes.
            f"    return len(it) == n or {self._scope.constant(_count_of_quotes)}(it) =="
            f" {block.sum_of_quotes()}\n"
        )

    # Objects

    def _object(
        self,
        content: Content,
        example: Any,
        variable: str,
        *,
        rules: Sequence[tuple[Rule, bool]] | None = None,
        exact: Iterable[str] = (),
    ) -> Part:
        """Read an object; the members `exact` must be the example's."""
        if not isinstance(example, dict) or not has_good_names(content, example):
            raise NoPlanError
        asked = [(rule, True) for rule in content.rules] if rules is None else rules
        asked = [(rule, holds) for rule, holds in asked if must_run(rule, example)]
        parts: dict[str, Part] = {}
        for index, (name, value) in enumerate(example.items()):
            part = f"{variable}.f{index}"
            self._block.length += written_length(name) + 4  # its quotes, a colon, a comma or {
            self._block.quotes += 2
            had_loops = self._has_loops
            self._has_loops = had_loops and not any(_reads(rule, name) for rule, _ in asked)
            if name in exact or name == "resourceType":
                parts[name] = self._same(value)
            else:
                parts[name] = self._member(content.members[name], value, part)
            self._has_loops = had_loops
        self._block.length += 1  # }
        whole = object_of(parts)
        for rule, holds in asked:
            self._ask_rule(rule, whole, holds=holds)
        return whole

    def _ask_rule(self, rule: Rule, part: Part, *, holds: bool) -> None:
        read = trimmed(part, rule.test.reads or ("",))
        if not read.is_constant:  # else it is as the example's
            source = f"{self._scope.constant(rule.test.holds)}({read.data}, {{}})"
            self._block.ask(source if holds else f"not {source}")

    def _same(self, value: Any) -> Part:
        """Read a value that must be the example's, which holds texts alone."""
        if copy_of(value) is None:
            raise NoPlanError
        self._block.is_exact = True
        return Part(self._literal(value), repr(value), True)

    def _literal(self, value: Any) -> Any:
        block = self._block
        if isinstance(value, str):
            block.length += written_length(value) + 2
            block.quotes += 2
            return Literal[value]
        block.length += max(len(value), 1) + 1
        if isinstance(value, list):
            return items_of([self._literal(item) for item in value])
        block.length += sum(written_length(name) + 3 for name in value)
        block.quotes += 2 * len(value)
        return class_of({name: self._literal(item) for name, item in value.items()})

    # Members

    def _member(self, member: Member, example: Any, source: str) -> Part:
        if not member.is_list:
            return self._item(member, example, source)
        if example.__class__ is not list or not _is_count(member, len(example)):
            raise NoPlanError
        if member.slicing is not None:
            return self._sliced(member, member.slicing, example, source)
        if len(example) > 1 and self._has_loops and len({shape_of(item) for item in example}) == 1:
            found = self._loop(member, example[0], source)
            if found is not None:
                return found
        return self._in_place([member] * len(example), example, source)

    def _in_place(self, members: Sequence[Member], example: list[Any], source: str) -> Part:
        """Read a list that is as long as the example, each item by rules of its own."""
        if len(example) > _MAX_ITEMS:
            raise NoPlanError
        self._block.length += len(example) + 1
        parts = [
            self._item(member, item, f"{source}[{index}]")
            for index, (member, item) in enumerate(zip(members, example, strict=True))
        ]
        return list_of(parts)

    def _loop(self, member: Member, example: Any, source: str) -> Part | None:
        """Read a list of any length whose items have one shape; None where they must be alike."""
        outer, self._block, self._has_loops = self._block, Block(), False
        item, values = self._scope.variable(), self._scope.variable()
        part = self._item(member, example, item)
        self._has_loops = True
        inner, self._block = self._block, outer
        if inner.is_exact:
            return None
        inner.length += 1  # a comma, or [
        outer.length += 1
        outer.bind(values, source)
        most = "" if member.max is None else f" <= {member.max}"
        outer.ask(f"{max(member.min, 1)} <= len({values}){most}")
        if member.type == "Reference" and example.keys() == {"reference"}:
            self._all_literals(member, values)
        else:
            outer.repeat(item, values, inner)
        return Part(list.__class_getitem__(part.type), "")

    def _all_literals(self, member: Member, values: str) -> None:
        """Look at a list of literal references as a whole, as Provenance.target is one."""
        look = self._scope.constant(self._looks.references.literals(member).joined)
        text = self._scope.variable()
        self._block.bind(text, f"{look}([one.f0 for one in {values}])")
        self._block.ask(text)
        self._block.lengths += [f"{len(_LITERAL)} * len({values})", text]
        self._block.counts.append(f"{_LITERAL.count(_QUOTE)} * len({values})")

    def _sliced(self, member: Member, slicing: Slicing, example: list[Any], source: str) -> Part:
        """Read a list whose items are told apart just as those of the example."""
        heads = {by.path[0] for by in slicing.discriminators if by.path}
        is_by_value = all(by.by in ("value", "pattern") and "resolve()" not in by.path
                          for by in slicing.discriminators)  # fmt: skip
        has_paths = all(by.path for by in slicing.discriminators)
        if not is_by_value or member.type == "Reference" or len(example) > _MAX_ITEMS:
            raise NoPlanError
        self._block.length += len(example) + 1
        parts = []
        for index, value in enumerate(example):
            found = slice_of(slicing, value, self._looks.base, {})
            rules = found.member if found else member
            if not has_paths or is_narrowed(rules) or rules.codes or rules.type == "Extension":
                parts.append(self._same(value))
                continue
            part = self._scope.variable()
            self._block.bind(part, f"{source}[{index}]")
            exact = [name for name in heads if name in value]
            parts.append(self._object(self._content(rules), value, part, exact=exact))
        return list_of(parts)

    def _content(self, member: Member) -> Content:
        return member.own or self._looks.base.content(member.content)

    def _item(self, member: Member, example: Any, source: str) -> Part:
        if member.refuse is not None:
            return self._primitive(member, example, source)
        if member.type == "Resource" or not isinstance(example, dict):
            raise NoPlanError
        is_fixed = member.fixed is not ABSENT or member.pattern is not ABSENT
        if (
            is_fixed
            or member.type == "Extension"
            or not all(is_met_by_names(rule, example) for rule in member.rules)
        ):
            return self._same(example)
        variable = self._scope.variable()
        self._block.bind(variable, source)
        asked = [rule for rule in member.rules if must_run(rule, example)]
        had_loops = self._has_loops
        self._has_loops = had_loops and not asked and member.codes is None
        part = self._complex(member, example, variable)
        self._has_loops = had_loops
        if member.codes is not None:
            self._ask_codes(member, part)
        for rule in asked:
            self._ask_rule(rule, part, holds=True)
        return part

    def _complex(self, member: Member, example: dict[str, Any], variable: str) -> Part:
        content = self._content(member)
        if member.type == "Reference":
            return self._reference_or_same(member, content, example, variable)
        exact = ("profile",) if member.type == "Meta" else ()
        return self._object(content, example, variable, exact=exact)

    def _ask_codes(self, member: Member, part: Part) -> None:
        """Ask for a code of the value set: of a CodeableConcept, one coding is enough."""
        assert member.codes is not None
        pairs = self._scope.constant(member.codes.pairs)
        if member.type != "CodeableConcept":
            if member.type == "Coding" or "code" in part.members:
                self._block.ask(f"{pair_of(part)} in {pairs}")
            return
        codings = part.members["coding"].items if "coding" in part.members else ()
        self._block.ask(
            " or ".join(f"{pair_of(coding)} in {pairs}" for coding in codings) or "False"
        )

    def _reference_or_same(
        self, member: Member, content: Content, example: dict[str, Any], variable: str
    ) -> Part:
        """Read a reference, or see that it equals an earlier one: a performer often is the subject.

        What was found good for an earlier one is good for this one too.
        """
        outer, self._block = self._block, Block()
        part = self._reference(member, content, example, variable)
        inner, self._block = self._block, outer
        size = self._scope.variable()
        inner.bind(size, inner.sum_of_lengths())
        types = wanted_types(member)
        for value, rules, allowed, earlier, length in self._references:
            is_wider = not types or (allowed and allowed <= types)
            if value == example and rules is content and is_wider:
                outer.unless(f"{variable} == {earlier}", inner, f"{size} = {length}")
                break
        else:
            outer.lines += inner.lines
            if outer is self._root:
                self._references.append((example, content, types, variable, size))
        outer.lengths.append(size)
        outer.quotes += inner.quotes
        outer.is_exact = outer.is_exact or inner.is_exact
        return part

    def _reference(
        self, member: Member, content: Content, example: dict[str, Any], variable: str
    ) -> Part:
        """Read a reference: with a literal ``Type/id``, or with none."""
        base = self._looks.base.content("Reference").members
        is_usual = all(content.members[name] == base[name] for name in ("reference", "type"))
        if not is_usual or not example.keys() <= _IN_REFERENCES:
            raise NoPlanError
        part = self._object(content, example, variable)
        members = part.members
        if "reference" in members:
            text = members["reference"].data
            literals = self._looks.references.literals(member)
            if literals.come_again:
                seen = self._scope.constant(literals.seen)
                self._block.ask(f"{text} in {seen} or {seen}.learn({text})")
            else:
                self._block.ask(f"{self._scope.constant(literals.is_one)}({text})")
            if "type" in members:
                self._block.ask(f"{text}.startswith({members['type'].data} + '/')")
        elif "type" in members and (types := wanted_types(member)):
            names = self._scope.constant(type_names(types))
            self._block.ask(f"{members['type'].data} in {names}")
        return part

    # Primitives

    def _primitive(self, member: Member, example: Any, source: str) -> Part:
        wanted = member.pattern if member.fixed is ABSENT else member.fixed
        has_rules = any(is_asked(rule, example) for rule in member.rules)
        if isinstance(wanted, str) and not has_rules:
            return Part(self._literal(wanted), repr(wanted), True)
        if isinstance(wanted, bool):
            self._block.ask(f"{source} is {wanted}")
        elif wanted is not ABSENT:
            raise NoPlanError
        if isinstance(example, str):
            return self._text(member, example, source, has_rules=has_rules)
        if has_rules:
            raise NoPlanError
        if member.type == "boolean":
            self._block.length += len("false")
            self._block.lengths.append(f"-{source}")
            return Part(bool, source)
        look = number_look(member.type)
        if look is None:
            raise NoPlanError
        self._block.ask(f"{self._scope.constant(look)}({source})")
        self._block.lengths.append(f"len({source})")
        return Part(msgspec.Raw, f"{self._scope.constant(number)}({source})")

    def _text(self, member: Member, example: str, source: str, *, has_rules: bool) -> Part:
        block = self._block
        block.quotes += 2
        block.length += 2
        codes = member.codes.codes if member.codes is not None else ()
        if codes and not has_rules and len(codes) <= _MAX_CODES:
            block.lengths.append(f"len({source})")
            return Part(Literal[tuple(sorted(codes))], source)
        text = self._scope.variable()
        block.bind(text, source)
        if written_length(example) > len(example):  # with escapes, as a narrative is
            block.lengths.append(f"{self._scope.constant(written_length)}({text})")
        else:
            block.lengths.append(f"len({text})")
            if member.type in TEXTS and not codes and not has_rules:
                # Of a text that is as long as it is written, JSON itself keeps control characters.
                block.ask(text)
                return Part(str, text)
        condition, constant = self._looks.primitives.source(member)
        condition = condition.format(a=text, c=self._scope.constant(constant))
        if member.type == "uri":
            condition = f"{text} == {self._scope.constant(example)} or {condition}"
        block.ask(condition)
        return Part(str, text)


def _reads(rule: Rule, name: str) -> bool:
    """Return whether the test of a rule may look at what a member holds."""
    paths = rule.test.reads
    return not paths or any(path.partition(".")[0] == name for path in paths)


def _count_of_quotes(text: str) -> int:
    """Return the quotes of a text without escapes; -1 where it has any."""
    return -1 if "\\" in text else text.count('"')


def _is_count(member: Member, count: int) -> bool:
    return max(member.min, 1) <= count and (member.max is None or count <= member.max)
