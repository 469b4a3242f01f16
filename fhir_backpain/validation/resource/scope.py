"""The source of one plan while it is written: its constants, functions and variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Scope:
    """Gives names to what a plan uses, and compiles it."""

    def __init__(self) -> None:
        self._constants: dict[str, Any] = {}
        self._functions: list[str] = []
        self._variables = 0

    def constant(self, value: Any) -> str:
        """Return the name of a constant."""
        name = f"c{len(self._constants)}"
        self._constants[name] = value
        return name

    def variable(self) -> str:
        """Return the name of a new variable."""
        self._variables += 1
        return f"b{self._variables}_"

    def function(self, body: str) -> str:
        """Return the name of a new function of `values`; its body is indented by four spaces."""
        name = f"look{len(self._functions)}"
        self._functions.append(f"def {name}(values):\n{body}")
        return name

    def compiled(self, body: str) -> Callable[[Any], bool]:
        """Return the plan, a function of `it` with the body."""
        functions = "".join(self._functions)
        source = f"{functions}def plan(it):\n{body}"
        return compiled(source, self._constants)


def bound(source: str, variable: str, value: str) -> str:
    """Return a source in which a variable is bound where it is first evaluated: its first place."""
    return source.replace(variable, f"({variable} := {value})", 1)


def compiled(source: str, constants: dict[str, Any]) -> Callable[[Any], bool]:
    """Return the function `plan` of a source that was written here."""
    scope = dict(constants)
    # The source holds names of FHIR's elements alone, never a part of the data.
    exec(compile(source, "<plan>", "exec"), scope)  # noqa: S102
    plan: Callable[[Any], bool] = scope["plan"]
    return plan
