"""What the expressions of a compiled mapping come to for a shape."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fhir_backpain.mapping.special.facts import RECORD, Facts
from fhir_backpain.mapping.special.values import (
    Const,
    Items,
    Ref,
    Source,
    Step,
    Value,
    as_text,
    text_of,
)

_LARGEST = 64
"""Elements of a list beyond which no code is made for the shape."""

_COMPARED: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Is: lambda one, other: one is other,
    ast.IsNot: lambda one, other: one is not other,
    ast.Eq: lambda one, other: bool(one == other),
    ast.NotEq: lambda one, other: bool(one != other),
    ast.In: lambda one, other: one in other,
    ast.NotIn: lambda one, other: one not in other,
}


class NoShapeError(Exception):
    """Raised where the code asks for more than the facts of a shape tell."""


class Evaluation:
    """The values of names and expressions for the shape of a record.

    `names` are the globals of the code.
    """

    def __init__(self, names: Mapping[str, Any], facts: Facts, record: Any) -> None:
        self._names = names
        self._given: dict[Any, str] = {}
        self.record = Source(None, "", facts, record)
        self._known: dict[str, Value] = {RECORD: self.record}
        self._made: dict[tuple[object, ...], Step] = {}

    @property
    def functions(self) -> dict[str, Any]:
        """What the steps call by names of their own."""
        return {name: function for function, name in self._given.items()}

    @property
    def steps(self) -> Sequence[Step]:
        """What is computed for each record, in an order in which it can be."""
        return tuple(self._made.values())

    def bind(self, name: str, value: Value) -> None:
        """Give a name a value."""
        self._known[name] = value

    def step(self, kind: str, name: str, *operands: Value) -> Ref:
        """Return what a step computes; the same step is done once."""
        key = (kind, name, *map(_alike, operands))
        step = self._made.get(key)
        if step is None:
            step = self._made[key] = Step(kind, name, operands)
        return Ref(step)

    def value(self, node: ast.expr) -> Value:
        """Return what is known of an expression. Raises NoShapeError."""
        read = _READERS.get(type(node))
        if read is None:
            raise NoShapeError(ast.unparse(node))
        return read(self, node)

    def known(self, node: ast.expr) -> Any:
        """Return the value of an expression that is the same for every record of the shape.

        Raises NoShapeError where it is not.
        """
        found = self.value(node)
        if isinstance(found, Items):
            return found.values
        if not isinstance(found, Const):
            raise NoShapeError(ast.unparse(node))
        return found.value

    def elements(self, items: ast.expr) -> list[Source]:
        """Return the elements of a list of the record. Raises NoShapeError."""
        found = self.value(items)
        if not isinstance(found, Source):
            raise NoShapeError(ast.unparse(items))
        return self.items(found)

    def items(self, items: Source) -> list[Source]:
        """Return the elements of a list, each a variable of its own. Raises NoShapeError."""
        if items.path not in items.facts.lists:
            raise NoShapeError(items.path)
        if len(items.value) > _LARGEST:
            raise NoShapeError("The list is long.")
        if not items.value:
            return []
        facts = items.facts.lists[items.path]
        step = self.step("all", "", items).step
        step.width = len(items.value)
        return [
            Source(Ref(step, index), "", facts, value) for index, value in enumerate(items.value)
        ]

    def member(self, owner: Source, name: str) -> Value:
        """Return what stands in a member of an object of the record."""
        path = f"{owner.path}.{name}" if owner.path else name
        value = getattr(owner.value, name)
        if path in owner.facts.values:
            return Const(value)
        return Source(owner.owner, path, owner.facts, value)

    def _name(self, node: ast.Name) -> Value:
        name = node.id
        if name in self._known:
            return self._known[name]
        return Const(self._names[name] if name in self._names else getattr(builtins, name), name)

    def _negative(self, node: ast.UnaryOp) -> Value:
        return Const(ast.literal_eval(node))

    def _joined(self, node: ast.JoinedStr) -> Value:
        return text_of([self.value(one) for one in node.values])

    def _formatted(self, node: ast.FormattedValue) -> Value:
        if node.conversion != -1 or node.format_spec is not None:
            raise NoShapeError(ast.unparse(node))
        return self.value(node.value)

    def _chosen(self, node: ast.IfExp) -> Value:
        return self.value(node.body if self.known(node.test) else node.orelse)

    def _added(self, node: ast.BinOp) -> Value:
        if not isinstance(node.op, ast.Add):
            raise NoShapeError(ast.unparse(node))
        return text_of([self.value(node.left), self.value(node.right)])

    def _attribute(self, node: ast.Attribute) -> Value:
        owner = self.value(node.value)
        if isinstance(owner, Items):
            return owner  # its method 'append'
        if not isinstance(owner, Source):
            raise NoShapeError(ast.unparse(node))
        return self.member(owner, node.attr)

    def _part(self, node: ast.Subscript) -> Value:
        """Return a row of a table, a value of a list, or a text without its first character."""
        items = self.value(node.value)
        if isinstance(node.slice, ast.Slice):
            return self._rest(items, node.slice)
        index = self.value(node.slice)
        if isinstance(items, Items) and isinstance(index, Const):
            found: Value = items.values[index.value]
            return found
        if not isinstance(items, Const):
            raise NoShapeError(ast.unparse(node))
        if isinstance(index, Const):
            return Const(items.value[index.value])
        return self.step("row", items.name or "", index)

    def _rest(self, whole: Value, place: ast.Slice) -> Value:
        text = as_text(whole)
        if text is None or ast.unparse(place) != "1:":
            raise NoShapeError(ast.unparse(place))
        if not text.parts:
            return Const("")
        first, *others = text.parts
        if not isinstance(first, str):
            raise NoShapeError("The text starts with what varies.")
        return text_of([first[1:], *others])

    def _compared(self, node: ast.Compare) -> Value:
        (operator,), (other,) = node.ops, node.comparators
        left, right = self.value(node.left), self.known(other)
        compare = _COMPARED[type(operator)]
        if isinstance(left, Const):
            return Const(compare(left.value, right))
        if not isinstance(left, Source):
            # What the function itself made is there.
            return Const(compare(left, right))
        if left.path not in (left.facts.presences if right is None else left.facts.identities):
            raise NoShapeError(ast.unparse(node))
        return Const(compare(left.value, right))

    def _decided(self, node: ast.BoolOp) -> Value:
        any_of = isinstance(node.op, ast.Or)
        found: Value = Const(not any_of)
        for one in node.values:
            found = self._or_missing(self.value(one))
            truth = bool(found.value) if isinstance(found, Const) else True
            if truth is any_of:
                return found
        return found

    def _or_missing(self, value: Value) -> Value:
        """Return a value that is there, None where it is missing. An empty text counts as there."""
        if not isinstance(value, Source):
            return value
        if value.path not in value.facts.presences:
            raise NoShapeError(value.path)
        return Const(None) if value.value is None else value

    def _called(self, node: ast.Call) -> Value:
        arguments = [self.value(one) for one in node.args]
        if isinstance(node.func, ast.Attribute):
            return self._asked(self.value(node.func.value), node.func.attr, arguments)
        function = self.value(node.func)
        if not isinstance(function, Const):
            raise NoShapeError(ast.unparse(node))
        known = _all_known(arguments)
        if known is not None:
            return Const(function.value(*known))
        # One that another function gave has no name yet.
        name = function.name or self._given.setdefault(function.value, f"F{len(self._given)}")
        return self.step("call", name, *arguments)

    def _asked(self, owner: Value, name: str, arguments: list[Value]) -> Value:
        """Return the result of a method of a text: ``join`` or ``rstrip``."""
        known = _all_known(arguments)
        if isinstance(owner, Const) and known is not None:
            return Const(getattr(owner.value, name)(*known))
        if isinstance(owner, Const) and name == "join" and isinstance(arguments[0], Items):
            parts = [part for one in arguments[0].values for part in (owner, one)]
            return text_of([*parts[1:]])
        return self.step("method", name, owner, *arguments)

    def _tuple(self, node: ast.Tuple) -> Value:
        values = [self.value(one) for one in node.elts]
        known = _all_known(values)
        return self.step("tuple", "", *values) if known is None else Const(tuple(known))

    def _list(self, node: ast.List) -> Value:
        return Items([self.value(one) for one in node.elts])

    def _each(self, node: ast.ListComp) -> Value:
        (generator,) = node.generators
        if generator.ifs or not isinstance(generator.target, ast.Name):
            raise NoShapeError(ast.unparse(node))
        found = []
        for one in self.elements(generator.iter):
            self.bind(generator.target.id, one)
            found.append(self.known(node.elt))
        return Const(tuple(found))


def _alike(value: Value) -> object:
    """Return what is equal for equal values, and can be looked up: a global by its name."""
    return value.name if isinstance(value, Const) and value.name else value


def _all_known(values: Sequence[Value]) -> list[Any] | None:
    """Return what some values are where none varies, else None."""
    known = [one.value for one in values if isinstance(one, Const)]
    return known if len(known) == len(values) else None


_READERS: Mapping[type[ast.expr], Callable[[Evaluation, Any], Value]] = {
    ast.Constant: lambda _, node: Const(node.value),
    ast.Name: Evaluation._name,
    ast.UnaryOp: Evaluation._negative,
    ast.JoinedStr: Evaluation._joined,
    ast.FormattedValue: Evaluation._formatted,
    ast.IfExp: Evaluation._chosen,
    ast.BinOp: Evaluation._added,
    ast.Attribute: Evaluation._attribute,
    ast.Subscript: Evaluation._part,
    ast.Compare: Evaluation._compared,
    ast.BoolOp: Evaluation._decided,
    ast.Call: Evaluation._called,
    ast.Tuple: Evaluation._tuple,
    ast.List: Evaluation._list,
    ast.ListComp: Evaluation._each,
}
