"""Narratives: a text of the record in a paragraph, and the steps of a plan in their order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from json.encoder import encode_basestring_ascii

from fhir_backpain.artifacts.located_yaml import YamlList, YamlMap, want_text
from fhir_backpain.mapping.chunk import Code, Text
from fhir_backpain.mapping.emitter import Emitter
from fhir_backpain.mapping.functions.arguments import (
    argument,
    only_options,
    option,
    refuse,
    text_of,
    want_option,
)
from fhir_backpain.mapping.functions.copying import either
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.piece import Piece, literal
from fhir_backpain.mapping.scope import Reach, leaf
from fhir_backpain.mapping.source_shape import ListShape
from fhir_backpain.mapping.template import Slot

# SNOMED CT ends the name of a concept with what kind of thing it is.
_KIND = re.compile(r" \([a-z/ ]+\)$")
_PARTS = ("of", "word", "status", "map", "line")


@dataclass(frozen=True, slots=True)
class StepSource:
    """A list of the record whose items are steps: the members with their word and status.

    `texts` has for each word the place of its line of care, from 0, and its name.
    """

    path: str
    word: str
    status: str
    texts: Mapping[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Steps:
    """How the steps of a plan are told: the names of the lines of care, in their order."""

    lines: tuple[str, ...]
    sources: tuple[StepSource, ...]

    def told(self, rows: Sequence[Iterable[tuple[str, str]]]) -> list[tuple[str, list[str]]]:
        """Return the lines of care that have a step, each with its steps, given word and status.

        `rows` are the items of each source.
        """
        found: list[list[str]] = [[] for _ in self.lines]
        for source, items in zip(self.sources, rows, strict=True):
            for word, status in items:
                if word in source.texts:
                    place, text = source.texts[word]
                    found[place].append(f"{text} ({status})")
        told = zip(self.lines, found, strict=True)
        return [(line, steps) for line, steps in told if steps]

    def div(self, text: str, *rows: Iterable[tuple[str, str]]) -> str:
        """Return the JSON string of an XHTML div: a text, then the steps in their order.

        Plain paragraphs with numbers: any viewer shows them, and they are quick to check.
        """
        told = enumerate(self.told(rows), start=1)
        lines = [f"{number}. {line}. {'; '.join(steps)}" for number, (line, steps) in told]
        return _div("".join(f"<p>{one}</p>" for one in (escape(text, quote=False), *lines)))


def paragraph(value: str) -> str:
    """Return text as the JSON string of an XHTML div with one escaped paragraph."""
    return _div(f"<p>{escape(value, quote=False)}</p>")


def _div(inner: str) -> str:
    return encode_basestring_ascii(f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>')


class Narrating:
    """The function that needs the names of what is told."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def narrative(self, emitter: Emitter, slot: Slot) -> Piece:
        """``{=narrative: path, else: words}``: a Narrative with the text in one paragraph.

        With ``steps`` numbered paragraphs follow: the lines of care ``in order``, with their steps.
        ``{of: activities, word: treatment, status: status, map: treatment, line: treatment-line}``
        names a list of steps, the members of an item that say which it is and how far it came, the
        concept map of the words, and a concept map (or one concept) of their lines of care.

        One-way: the narrative repeats what other elements say.
        FHIR: Narrative, http://hl7.org/fhir/R4/narrative.html
        """
        only_options(slot, "else", "steps", "in order")
        reach = emitter.reach(argument(slot), slot.location)
        leaf(reach, slot.location)
        if "steps" in slot.options:
            return _in_narrative(emitter, self._stepped(emitter, slot, reach))
        piece = emitter.value(reach, lambda value: (Code(f"paragraph({value})"),))
        instead = option(slot, "else")
        if instead is not None and piece.test is not None:
            piece = either(emitter, piece, Piece((Text(paragraph(instead)),)))
        return _in_narrative(emitter, piece)

    def _stepped(self, emitter: Emitter, slot: Slot, reach: Reach) -> Piece:
        steps = read_steps(slot, self._library)
        rows = [_rows(emitter, slot, source) for source in steps.sources]
        text = reach.expression
        if not reach.certain:
            instead = emitter.constant(want_option(slot, "else"))
            text = f"{text} if {reach.presence()} else {instead}"
        expression = f"{emitter.constant(steps)}.div({', '.join([text, *rows])})"
        return Piece((emitter.variable(expression, is_bound=reach.is_bound),), live=True)


def _in_narrative(emitter: Emitter, div: Piece) -> Piece:
    return emitter.pieces.object({"status": literal("generated"), "div": div})


def _rows(emitter: Emitter, slot: Slot, source: StepSource) -> str:
    """Return the expression of word and status of each item of a list."""
    reach = emitter.reach(source.path, slot.location)
    if not isinstance(reach.shape, ListShape):
        raise refuse(slot, f"'{source.path}' is no list.")
    item = Reach("e", reach.shape.item, True, f"{reach.path}[]", is_bound=True, is_quick=True)
    scope = emitter.scope.with_name("step", item)
    members = [scope.reach(f"step.{one}", slot.location) for one in (source.word, source.status)]
    for member in members:
        leaf(member, slot.location)
        if not member.certain:
            raise refuse(slot, f"'{member.path}' may be missing.")
    return f"[({members[0].expression}, {members[1].expression}) for e in {reach.expression}]"


def step_nodes(slot: Slot) -> list[YamlMap]:
    """Return what a narrative says of each list of steps; raises MappingCheckError."""
    node = slot.options.get("steps")
    items = list(node) if isinstance(node, YamlList) else []
    found = [one for one in items if isinstance(one, YamlMap) and set(one.entries) == set(_PARTS)]
    if node is not None and (not found or len(found) != len(items)):
        raise refuse(slot, f"'steps' is a list; each of it has: {', '.join(_PARTS)}.")
    return found


def read_steps(slot: Slot, library: Library) -> Steps:
    """Return how a narrative tells its steps; raises MappingCheckError or ArtifactError."""
    node = slot.options.get("in order")
    if not isinstance(node, YamlList):
        raise refuse(slot, "'steps' needs 'in order': a list of concepts.")
    order = [library.concepts.want(text_of(slot, one), one.location).key for one in node]
    lines = tuple(escape(library.concepts[key].display, quote=False) for key in order)
    return Steps(lines, tuple(_source(slot, one, order, library) for one in step_nodes(slot)))


def _source(slot: Slot, node: YamlMap, order: list[str], library: Library) -> StepSource:
    path, word, status, name, line = (want_text(node, key) for key in _PARTS)
    rows = library.concept_map(name, node.location).rows
    texts = {}
    for key, row in rows.items():
        found = line
        if line not in library.concepts:
            lines = library.concept_map(line, node.location).rows
            if key not in lines:
                raise refuse(slot, f"'{line}' has no row '{key}'.")
            found = lines[key].concepts[0].key
        if found not in order:
            raise refuse(slot, f"'{found}' is not named 'in order'.")
        shown = row.text or _KIND.sub("", row.concepts[0].display)
        texts[key] = (order.index(found), escape(shown, quote=False))
    return StepSource(path, word, status, texts)


NAMES = {"paragraph": paragraph}
"""What the code that this function emits refers to."""
