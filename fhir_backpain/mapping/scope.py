"""Names in a mapping: which source value a path means at a place, and how code reaches it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from fhir_backpain.errors import MappingCheckError
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.record_struct import absent_name
from fhir_backpain.mapping.source_shape import Leaf, ListShape, ObjectShape, Shape
from fhir_backpain.outcome import MappingLocation

PARAMETER = "parameter."
RECORD_TYPE = "record"


@dataclass(frozen=True, slots=True)
class Reach:
    """A source path that was found: its Python expression, shape and full path.

    `certain` is true where the value is there in every valid record; `is_bound` where it starts
    at an element of a list, so that it differs within one record; `is_quick` where the expression
    costs no more than a variable. `needs` is the test of the object of the record, if any, without
    which the value is missing.
    """

    expression: str
    shape: Shape
    certain: bool
    path: str
    is_bound: bool = False
    is_quick: bool = False
    needs: str | None = None

    def presence(self, expression: str | None = None) -> str:
        """Return the test of whether the value is there; `expression` is a variable with it."""
        return f"{expression or self.expression} is not {self._absent}"

    def absence(self) -> str:
        """Return the test of whether the value is missing."""
        return f"{self.expression} is {self._absent}"

    @property
    def _absent(self) -> str:
        if not self.is_quick or isinstance(self.shape, Leaf):
            return "None"
        return "NO_ITEMS" if isinstance(self.shape, ListShape) else absent_name(self.path)


def wrong(text: str, where: MappingLocation) -> MappingCheckError:
    """Return (not raise) the check error of an unknown path."""
    return MappingCheckError(messages.PATH_UNKNOWN.issue(text, mapping=where))


@dataclass(slots=True)
class Scope:
    """The names that can be used at a place: repetition variables, then the record's own fields.

    `used` collects the full path of every leaf that a mapping reads, for loss accounting.
    `is_table` is true where paths are column names, taken whole. `facts` are paths that are there
    at this place because of a condition.
    """

    root: Reach
    names: dict[str, Reach] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    is_table: bool = False
    parameters: frozenset[str] = frozenset()
    facts: frozenset[str] = frozenset()

    def with_name(self, name: str, reach: Reach) -> Scope:
        """Return a scope with one more name; what is used is still counted in this one."""
        names = {**self.names, name: reach}
        return replace(self, names=names)

    def only(self, names: dict[str, Reach]) -> Scope:
        """Return a scope in which these names come before the record's own (for a fragment)."""
        return replace(self, names=names)

    def with_facts(self, paths: Iterable[str]) -> Scope:
        """Return a scope in which more paths are known to be there."""
        return replace(self, facts=self.facts | set(paths))

    def reach(self, path: str, where: MappingLocation) -> Reach:
        """Return what a path means and count it as used.

        Raises MappingCheckError with near names where it is unknown.
        """
        found = self.find(path, where)
        self._count(found)
        return found

    def find(self, path: str, where: MappingLocation) -> Reach:
        """Return what a path means, as `reach` does, without counting it as used."""
        if path.startswith(PARAMETER):
            return self._parameter(path.removeprefix(PARAMETER), where)
        steps = [path.strip('"')] if self.is_table else path.split(".")
        if steps[0] in self.names:
            here = self.names[steps[0]]
            steps = steps[1:]
        else:
            here = self.root
        for step in steps:
            here = self._step(here, step, path, where)
        return here

    def _parameter(self, name: str, where: MappingLocation) -> Reach:
        if name not in self.parameters:
            raise wrong(f"There is no parameter '{name}'.", where)
        return Reach(f"c.parameters[{name!r}]", Leaf("string"), True, PARAMETER + name)

    def _step(self, here: Reach, step: str, path: str, where: MappingLocation) -> Reach:
        if not isinstance(here.shape, ObjectShape):
            raise wrong(f"'{here.path}' has no parts, so '{path}' leads nowhere.", where)
        member = here.shape.members.get(step)
        if member is None:
            near = get_close_matches(step, [*here.shape.members, *self.names], n=2)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise wrong(f"The source has no '{step}' in '{path}'.{hint}", where)
        full = f"{here.path}.{step}" if here.path else step
        certain = full in self.facts or (here.certain and member.certain)
        if self.is_table:
            return Reach(f"{here.expression}.get({step!r})", member.shape, certain, full)
        if full == RECORD_TYPE and isinstance(member.shape, Leaf) and member.shape.words:
            # The class of a record is its type, so no attribute holds it.
            text = f'"{member.shape.words[0]}"'
        else:
            text = f"{here.expression}.{step}"
        found = Reach(text, member.shape, certain, full, here.is_bound, True, here.needs)
        if found.needs or member.certain or not isinstance(member.shape, ObjectShape):
            return found
        return replace(found, needs=found.presence())

    def _count(self, here: Reach) -> None:
        if isinstance(here.shape, Leaf):
            self.used.add(here.path)
        elif isinstance(here.shape, ListShape) and isinstance(here.shape.item, Leaf):
            self.used.add(f"{here.path}[]")


def leaf(reach: Reach, where: MappingLocation) -> Leaf:
    """Return the leaf that a path must be; raises MappingCheckError where it is not one."""
    if not isinstance(reach.shape, Leaf):
        raise MappingCheckError(
            messages.PATH_KIND.issue(f"'{reach.path}' is not a single value.", mapping=where)
        )
    return reach.shape
