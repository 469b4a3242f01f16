"""Runs a compiled mapping for a shape: what every record of the shape shares is computed once.

The compiled function is interpreted with the values of one record that stands for its shape. Its
conditions and repetitions are decided by the facts of the shape, its tables are looked up, texts
that never vary are joined; what is left is a row of steps without a branch (partial evaluation).
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from fhir_backpain.mapping.special.evaluation import Evaluation, NoShapeError
from fhir_backpain.mapping.special.values import Const, Items, Ref, Value, text_of


def specialized(program: ast.FunctionDef, evaluation: Evaluation) -> Value:
    """Return what a function returns for the shape of the evaluation, by steps of that.

    Raises NoShapeError where the function does what is not known here.
    """
    result = _run(program.body, evaluation)
    if result is None:
        raise NoShapeError("The function returns nothing.")
    return result


def _run(body: Sequence[ast.stmt], here: Evaluation) -> Value | None:
    """Do some statements; return what one of them returns, if it does."""
    for statement in body:
        result = _do(statement, here)
        if result is not None:
            return result
    return None


def _do(statement: ast.stmt, here: Evaluation) -> Value | None:
    match statement:
        case ast.Assign(targets, value):
            found = here.value(value)
            for target in targets:
                _assign(target, found, here)
        case ast.AugAssign(ast.Subscript() as target, ast.Add(), value):
            _assign(target, text_of([here.value(target), here.value(value)]), here)
        case ast.Expr(ast.Call(func, [value])):
            _items(func, here).values.append(here.value(value))
        case ast.If(test, then, orelse):
            return _run(then if here.known(test) else orelse, here)
        case ast.For(ast.Name(name), items, repeated):
            for element in here.elements(items):
                here.bind(name, element)
                _run(repeated, here)
        case ast.Return(ast.expr() as value):
            return here.value(value)
        case _:
            raise NoShapeError(ast.unparse(statement))
    return None


def _assign(target: ast.expr, value: Value, here: Evaluation) -> None:
    match target:
        case ast.Name(name):
            here.bind(name, value)
        case ast.Tuple(names):
            if isinstance(value, Ref):
                value.step.width = len(names)
            for index, one in enumerate(names):
                _assign(one, _nth(value, index), here)
        case ast.Subscript(items, place):
            _items(items, here).values[here.known(place)] = value


def _items(node: ast.expr, here: Evaluation) -> Items:
    """Return the list that a function builds, by its name or by that of its ``append``."""
    found = here.value(node)
    if not isinstance(found, Items):
        raise NoShapeError(ast.unparse(node))
    return found


def _nth(value: Value, index: int) -> Value:
    if isinstance(value, Const):
        return Const(value.value[index])
    if isinstance(value, Ref):
        return Ref(value.step, index)
    raise NoShapeError("What is taken apart is not known.")
