"""Copies: a source value as it is, or in text."""

from __future__ import annotations

import re
from collections.abc import Callable
from json.encoder import encode_basestring_ascii

from fhir_backpain.mapping.chunk import Chunks, Code
from fhir_backpain.mapping.emitter import Emitter
from fhir_backpain.mapping.functions.arguments import (
    argument,
    only_options,
    option,
    refuse,
)
from fhir_backpain.mapping.piece import Piece, literal
from fhir_backpain.mapping.scope import Reach, leaf
from fhir_backpain.mapping.source_shape import Leaf, ListShape
from fhir_backpain.mapping.template import Slot

_PLACE = re.compile(r"\{([^{}]+)\}")
# The text of a boolean, by its value.
_BOOLEANS = ("false", "true")


def copy(emitter: Emitter, slot: Slot) -> Piece:
    """``=path`` or ``{=copy: path, else: literal}``: the value as it is, precision kept."""
    only_options(slot, "else")
    reach = emitter.reach(argument(slot), slot.location)
    piece = emitter.value(reach, _form(reach, slot))
    instead = option(slot, "else")
    if instead is None or piece.test is None:
        return piece
    return either(emitter, piece, literal(instead))


def either(emitter: Emitter, piece: Piece, instead: Piece) -> Piece:
    """Return the piece of what is there, or of what stands for it."""
    first, second = (emitter.pieces.text(one.chunks) for one in (piece, instead))
    code = emitter.variable(f"{first} if {piece.test} else {second}", is_bound=piece.is_bound)
    return Piece((code,), live=True)


def _form(reach: Reach, slot: Slot) -> Callable[[str], Chunks]:
    item = reach.shape.item if isinstance(reach.shape, ListShape) else None
    if isinstance(item, Leaf) and item.type == "string":
        return lambda value: (Code(f'"[" + ",".join(map(quoted, {value})) + "]"'),)
    kind = leaf(reach, slot.location).type
    if kind == "boolean":
        return lambda value: (Code(f"BOOLEANS[{value}]"),)
    if kind in ("number", "integer"):
        return lambda value: (Code(value),)
    return quoted_text


def quoted_text(value: str) -> Chunks:
    """Return the chunks of a text as a JSON string."""
    return (Code(f"quoted({value})"),)


def text(emitter: Emitter, slot: Slot) -> Piece:
    """``{=text: "Visit {encounter.id}"}``: text with values in braces; empty without them."""
    only_options(slot)
    template = argument(slot)
    paths = _PLACE.findall(template)
    if not paths:
        raise refuse(slot, "'=text' holds no {path}; write the text as a literal.")
    found = []
    for path in paths:
        reach = emitter.reach(path, slot.location)
        if leaf(reach, slot.location).type == "boolean":
            raise refuse(slot, f"'{reach.path}' is true or false, which is no text.")
        found.append((reach, emitter.read(reach)))
    parts = _PLACE.split(template)
    joined = " + ".join(
        repr(part) if index % 2 == 0 else f"str({found[index // 2][1].expression})"
        for index, part in enumerate(parts)
    )
    is_bound = any(code.is_bound for _, code in found)
    tests = [reach.presence(code.expression) for reach, code in found if not reach.certain]
    if not tests:
        return Piece((emitter.variable(f"quoted({joined})", is_bound=is_bound),), live=True)
    there = " and ".join(dict.fromkeys(tests))
    return emitter.optional(f"quoted({joined}) if {there} else None", is_bound=is_bound)


quoted = encode_basestring_ascii
"""Returns text as a JSON string in ASCII."""


NAMES = {"quoted": quoted, "BOOLEANS": _BOOLEANS}
"""What the code that these functions emit refers to."""
