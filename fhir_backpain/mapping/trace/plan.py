"""The plan of a mapping: for every element of its result, what makes it, from what, and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fhir_backpain.mapping.clause import read_clauses, read_holdings
from fhir_backpain.mapping.declaration import Declaration, Fragments
from fhir_backpain.mapping.functions.arguments import argument, option
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.reverse.code_index import CodeIndex
from fhir_backpain.mapping.reverse.slots import ONE_WAY
from fhir_backpain.mapping.source_shape import leaves, record_shape
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
from fhir_backpain.mapping.trace.slot_sources import (
    OWNER_PATHS,
    key_paths,
    owner_paths,
    slot_paths,
)
from fhir_backpain.outcome import MappingLocation
from fhir_backpain.terminology.concept_map import ConceptMap

_MAKE_LISTS = ("concepts", "codes", "made")
_WRITTEN = ("fixed", "fixed coding", "text")


@dataclass(frozen=True, slots=True)
class PlanLine:
    """How one element of a result is made.

    `element` is a FHIR path, lists marked with ``[]`` (``Observation.component[].code``).
    `function` is the slot function, ``literal``, or ``identity`` for the logical id; `sources`
    are full source paths (``pain.ratings[].score``). `written` is what the mapping itself says:
    the literal, the key of a fixed concept or unit, the text around the values. `instead` stands
    in where the source value is missing. `alternative` (``2 of 2``) is made only where those
    before it are not there. `one_way` is the reason why the element is not read back, if it is not.
    """

    element: str
    function: str
    sources: tuple[str, ...]
    mapping: MappingLocation
    used_at: tuple[MappingLocation, ...] = ()
    written: Any = None
    instead: str | None = None
    concept_map: str | None = None
    repetitions: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    alternative: str | None = None
    one_way: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the line as JSON data with stable keys."""
        return {
            "element": self.element,
            "function": self.function,
            "sources": list(self.sources),
            "written": self.written,
            "else": self.instead,
            "conceptMap": self.concept_map,
            "forEach": list(self.repetitions),
            "when": list(self.conditions),
            "alternative": self.alternative,
            "oneWay": self.one_way,
            "mapping": str(self.mapping),
            "usedAt": [str(place) for place in self.used_at],
        }

    def __str__(self) -> str:
        """One readable line: element, function, sources, conditions, place."""
        parts = [f"{self.element} <- {self.function}"]
        parts += [f" {self.written!r}"] if self.written is not None else []
        parts += [f" of {', '.join(self.sources)}"] if self.sources else []
        parts += [f" by concept map {self.concept_map}"] if self.concept_map else []
        parts += [f", else {self.instead!r}"] if self.instead is not None else []
        parts += [f", for each {path}" for path in self.repetitions]
        parts += [f", when {condition}" for condition in self.conditions]
        parts += [f", alternative {self.alternative}"] if self.alternative else []
        parts += [f", one-way: {self.one_way}"] if self.one_way else []
        places = " used at ".join(str(place) for place in (self.mapping, *reversed(self.used_at)))
        return f"{''.join(parts)} [{places}]"


def explain(
    declaration: Declaration,
    fragments: Fragments,
    concept_maps: Mapping[str, ConceptMap] | None = None,
) -> list[PlanLine]:
    """Return how each element of a compiled mapping's result is made, in the mapping's order.

    With the concept maps, a code of a map that does not lead back to one word is one-way too.
    """
    place = _start(declaration)
    assert isinstance(declaration.template, ObjectTemplate)
    own = (*OWNER_PATHS[declaration.belongs_to], *place.full(key_paths(declaration.key)))
    walk = _Walk(fragments, concept_maps or {}, _list_paths(declaration), own)
    id_ = replace(place, element=f"{declaration.makes}.id")
    return [
        id_.line("identity", declaration.location, own),
        *walk.lines(declaration.template, place),
    ]


def one_way(declarations: Iterable[Declaration], library: Library) -> list[PlanLine]:
    """Return every element of some mappings that is not read back, with its reason."""
    return [
        line
        for declaration in declarations
        for line in explain(declaration, library.fragments, library.concept_maps)
        if line.one_way
    ]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the walk is: the element, the names that paths may begin with, and what must hold."""

    element: str
    names: Mapping[str, str] = field(default_factory=dict)
    used_at: tuple[MappingLocation, ...] = ()
    repetitions: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    alternative: str | None = None

    def path(self, path: str) -> str:
        """Return a path as written in full, from the record on."""
        first, dot, rest = path.removeprefix("=").strip().partition(".")
        return f"{self.names.get(first, first)}{dot}{rest}"

    def full(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return paths in full."""
        return tuple(self.path(path) for path in paths)

    def below(self, name: str) -> _Place:
        """Return the place of a member."""
        return replace(self, element=f"{self.element}.{name}")

    def repeated(self, path: str, name: str) -> _Place:
        """Return the place inside a repetition."""
        item = f"{self.path(path)}[]"
        names = {**self.names, name: item}
        return replace(self, names=names, repetitions=(*self.repetitions, item))

    def where(self, condition: str) -> _Place:
        """Return the place inside a condition."""
        texts = [one.at(self.path(one.path)) for one in read_clauses(condition)]
        texts += [one.at(self.path(one.path)) for one in read_holdings(condition)]
        text = " and ".join(texts)
        return replace(self, conditions=(*self.conditions, text))

    def line(
        self, function: str, mapping: MappingLocation, sources: Iterable[str] = (), **more: Any
    ) -> PlanLine:
        """Return the line of the element here."""
        return PlanLine(
            element=self.element,
            function=function,
            sources=tuple(dict.fromkeys(sources)),
            mapping=mapping,
            used_at=self.used_at,
            repetitions=self.repetitions,
            conditions=self.conditions,
            alternative=self.alternative,
            **more,
        )


def _start(declaration: Declaration) -> _Place:
    place = _Place(declaration.makes)
    if declaration.repetition:
        place = place.repeated(*declaration.repetition)
    return place.where(declaration.condition) if declaration.condition else place


def _list_paths(declaration: Declaration) -> frozenset[str]:
    """Return the paths of lists of single values, which a copy takes as a whole."""
    return frozenset(
        path.removesuffix("[]")
        for source in declaration.sources
        for path in leaves(record_shape(source))
        if path.endswith("[]")
    )


@dataclass(frozen=True, slots=True)
class _Walk:
    fragments: Fragments
    concept_maps: Mapping[str, ConceptMap]
    lists: frozenset[str]
    own: tuple[str, ...]

    def lines(self, node: Template, place: _Place) -> Iterator[PlanLine]:
        """Yield the lines of a node."""
        if isinstance(node, Literal):
            yield place.line("literal", node.location, written=node.value)
        elif isinstance(node, Slot):
            yield self._slot(node, place)
        else:
            for child, below in self._children(node, place):
                yield from self.lines(child, below)

    def _children(self, node: Template, place: _Place) -> Iterator[tuple[Template, _Place]]:
        if isinstance(node, ObjectTemplate):
            yield from ((item, place.below(name)) for name, item in node.members.items())
        elif isinstance(node, ListTemplate):
            inner = replace(place, element=f"{place.element}[]")
            yield from ((item, inner) for item in node.items)
        elif isinstance(node, Each):
            yield node.body, place.repeated(node.path, node.name)
        elif isinstance(node, When):
            yield node.body, place.where(node.condition)
        elif isinstance(node, FirstOf):
            count = len(node.alternatives)
            for index, item in enumerate(node.alternatives, start=1):
                yield item, replace(place, alternative=f"{index} of {count}")
        elif isinstance(node, Use):
            names = {name: place.path(path) for name, path in node.arguments.items()}
            used_at = (*place.used_at, node.location)
            yield (
                self.fragments[node.fragment].template,
                replace(place, names=names, used_at=used_at),
            )

    def _slot(self, slot: Slot, place: _Place) -> PlanLine:
        sources = [*owner_paths(slot), *place.full(slot_paths(slot))]
        sources += self.own if slot.function == "own" else ()
        is_list = slot.function in _MAKE_LISTS or not self.lists.isdisjoint(sources)
        here = replace(place, element=f"{place.element}[]") if is_list else place
        return here.line(
            slot.function,
            slot.location,
            (f"{path}[]" if path in self.lists else path for path in sources),
            written=argument(slot) if slot.function in _WRITTEN else option(slot, "unit"),
            instead=option(slot, "else"),
            concept_map=option(slot, "map"),
            one_way=ONE_WAY.get(slot.function) or self._derived(slot),
        )

    def _derived(self, slot: Slot) -> str | None:
        concept_map = self.concept_maps.get(option(slot, "map") or "")
        if concept_map is None or not CodeIndex(concept_map).is_derived:
            return None
        shared = "several words of the concept map share their codes; another element has the word"
        return f"the unit alone: {shared}" if slot.function == "quantity" else shared
