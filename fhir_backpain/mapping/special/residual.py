"""Writes the steps that are left for a shape as one Python function without a branch."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

from fhir_backpain.mapping.special.exactness import Exactness
from fhir_backpain.mapping.special.facts import RECORD
from fhir_backpain.mapping.special.grouping import Group, Part, grouped
from fhir_backpain.mapping.special.values import Const, Items, Ref, Source, Step, Text, Value

_LOAD = ast.Load()
_STORE = ast.Store()
_LENGTH = "length"


def function_of(
    result: Value,
    steps: Sequence[Step],
    names: Mapping[str, Any],
    exactness: Exactness | None = None,
) -> Callable[..., Any]:
    """Return the function that computes `result` of a record by its steps.

    `names` are the globals that the steps refer to. With `exactness` the function takes the length
    of the record's text too, and returns None where that is another one.
    """
    sources = exactness.sources if exactness else []
    writer = _Writer(_variables([result, *sources], steps))
    taken = [step for step in steps if step in writer.variables]
    # Elements are taken first: the length is known by them alone.
    body = [writer.assignment(step) for step in taken if step.kind == "all"]
    body += writer.inexact(exactness) if exactness else []
    body += [writer.assignment(step) for step in taken if step.kind != "all"]
    body += writer.result(result)
    parameters = [ast.arg(RECORD), *([ast.arg(_LENGTH)] if exactness else [])]
    arguments = ast.arguments([], parameters, None, [], [], None, [])
    module = ast.Module([ast.FunctionDef("make", arguments, body, [], None)], [])
    namespace = dict(names)
    exec(compile(ast.fix_missing_locations(module), "<shape>", "exec"), namespace)  # noqa: S102 - ours
    made: Callable[..., Any] = namespace["make"]
    return made


def _variables(needed: Iterable[Value], steps: Sequence[Step]) -> dict[Step, str]:
    """Return the variable of each step that gets one; the others are written where they are used.

    Later steps use earlier ones, so the uses of a step are known once all after it were seen.
    """
    uses = Counter(step for one in needed for step in _used(one))
    variables = {}
    for number, step in reversed(list(enumerate(steps))):
        times = uses[step]
        if times and (step.width or times > 1):
            variables[step] = f"v{number}"
            times = 1
        for other in (one for operand in step.operands for one in _used(operand)):
            uses[other] += times
    return variables


def _used(value: Value) -> Iterator[Step]:
    """Yield the steps that a value refers to, as often as it does."""
    match value:
        case Ref(step) | Source(Ref(step)):
            yield step
        case Text(parts):
            for part in parts:
                if not isinstance(part, str):
                    yield from _used(part)
        case Items(values):
            for one in values:
                yield from _used(one)


class _Writer:
    """Writes values as expressions; the texts of the result share what they have in common."""

    def __init__(self, variables: Mapping[Step, str]) -> None:
        self.variables = variables
        self._numbers: dict[Source, str] = {}
        self._rows: list[tuple[ast.JoinedStr, list[Part]]] | None = None

    def assignment(self, step: Step) -> ast.stmt:
        """Return the line that computes a step."""
        name = self.variables[step]
        target: ast.expr = ast.Name(name, _STORE)
        if step.width:
            parts = [ast.Name(f"{name}_{index}", _STORE) for index in range(step.width)]
            target = ast.Tuple([*parts], _STORE)
        return ast.Assign([target], self._computed(step))

    def inexact(self, exactness: Exactness) -> list[ast.stmt]:
        """Return the lines that end the function where the length of the text is another one.

        Numbers are written there, once, for all texts that hold them.
        """
        numbers = [
            (f"n{index}", ast.JoinedStr([ast.FormattedValue(self._written(one), -1)]))
            for index, one in enumerate(exactness.numbers)
        ]
        digits = ast.Name("digits", _LOAD)
        length: ast.expr = ast.Constant(exactness.constant)
        for one in [*map(self._written, exactness.texts), digits]:
            length = ast.BinOp(length, ast.Add(), ast.Call(ast.Name("len", _LOAD), [one], []))
        for flag in exactness.flags:
            length = ast.BinOp(length, ast.Sub(), self._written(flag))
        # str() writes an exponent longer than a record may.
        tests: list[ast.expr] = [
            ast.Compare(ast.Name(_LENGTH, _LOAD), [ast.NotEq()], [length]),
            ast.Compare(ast.Constant("E"), [ast.In()], [digits]),
        ]
        self._numbers = {
            one: name for one, (name, _) in zip(exactness.numbers, numbers, strict=True)
        }
        joined = [ast.FormattedValue(ast.Name(name, _LOAD), -1) for name, _ in numbers]
        return [
            *(ast.Assign([ast.Name(name, _STORE)], text) for name, text in numbers),
            ast.Assign([ast.Name("digits", _STORE)], ast.JoinedStr([*joined])),
            ast.If(ast.BoolOp(ast.Or(), tests), [ast.Return(ast.Constant(None))], []),
        ]

    def result(self, result: Value) -> list[ast.stmt]:
        """Return the lines that join what several texts of the result share, and its own."""
        rows = self._rows = []
        last = ast.Return(self._written(result))
        self._rows = None
        groups = grouped([parts for _, parts in rows])
        names = {group: f"g{number}" for number, group in enumerate(groups)}
        for node, parts in rows:
            node.values = self._pieces(parts, names)
        return [
            *(
                ast.Assign([ast.Name(name, _STORE)], ast.JoinedStr(self._pieces(one.parts, names)))
                for one, name in names.items()
            ),
            last,
        ]

    def _written(self, value: Value) -> ast.expr:
        match value:
            case Const(_, str(name)):
                return ast.Name(name, _LOAD)
            case Const(known):
                return ast.Constant(known)
            case Source() if value in self._numbers:
                return ast.Name(self._numbers[value], _LOAD)
            case Source(owner, path):
                root = ast.Name(RECORD, _LOAD) if owner is None else self._written(owner)
                steps = path.split(".") if path else []
                return reduce(lambda one, name: ast.Attribute(one, name, _LOAD), steps, root)
            case Ref(step, index):
                if step not in self.variables:
                    return self._computed(step)
                variable = self.variables[step]
                return ast.Name(variable if index is None else f"{variable}_{index}", _LOAD)
            case Items(values):
                return ast.List([self._written(one) for one in values], _LOAD)
            case Text():
                return self._text(value)

    def _computed(self, step: Step) -> ast.expr:
        operands = [self._written(one) for one in step.operands]
        match step.kind:
            case "call":
                return ast.Call(ast.Name(step.name, _LOAD), operands, [])
            case "method":
                owner, *arguments = operands
                return ast.Call(ast.Attribute(owner, step.name, _LOAD), arguments, [])
            case "row":
                return ast.Subscript(ast.Name(step.name, _LOAD), operands[0], _LOAD)
            case "tuple":
                return ast.Tuple(operands, _LOAD)
        return operands[0]

    def _text(self, text: Text) -> ast.expr:
        node = ast.JoinedStr([])
        parts: list[Part] = [*text.parts]
        if self._rows is None:
            node.values = self._pieces(parts, {})
        else:
            self._rows.append((node, parts))
        return node

    def _pieces(self, parts: Sequence[Part], names: Mapping[Group, str]) -> list[ast.expr]:
        """Return the pieces of a text; `names` are the variables of groups."""
        found: list[ast.expr] = []
        for part in parts:
            if isinstance(part, str):
                found.append(ast.Constant(part))
            elif isinstance(part, Group):
                found.append(ast.FormattedValue(ast.Name(names[part], _LOAD), -1))
            else:
                found.append(ast.FormattedValue(self._written(part), -1))  # type: ignore[arg-type]
        return found
