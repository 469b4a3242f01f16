"""Copies: a source value as it is, in text, or as narrative."""

from __future__ import annotations

import re
from html import escape
from json.encoder import encode_basestring_ascii

from fhir_backpain.mapping.emitter import Emitter, Piece, literal_text
from fhir_backpain.mapping.functions.arguments import (
    argument,
    only_options,
    option,
    refuse,
)
from fhir_backpain.mapping.scope import Reach, leaf
from fhir_backpain.mapping.source_shape import Leaf, ListShape
from fhir_backpain.mapping.template import Slot

_FORMS = {
    "string": "quoted({})",
    "cell": "quoted({})",
    "number": "str({})",
    "integer": "str({})",
    "boolean": "('true' if {} else 'false')",
}
_PLACE = re.compile(r"\{([^{}]+)\}")


def copy(emitter: Emitter, slot: Slot) -> Piece:
    """``=path`` or ``{=copy: path, else: literal}``: the value as it is, precision kept."""
    only_options(slot, "else")
    reach = emitter.reach(argument(slot), slot.location)
    piece = emitter.value(reach, _form(reach, slot))
    instead = option(slot, "else")
    if instead is None or piece.variable is None:
        return piece
    name = emitter.assign(
        f"f'{literal_text(instead)}' if {piece.variable} is None else {piece.variable}"
    )
    return Piece("{" + name + "}", live=True)


def _form(reach: Reach, slot: Slot) -> str:
    item = reach.shape.item if isinstance(reach.shape, ListShape) else None
    if isinstance(item, Leaf) and item.type == "string":
        return "('[' + ','.join(map(quoted, {})) + ']')"
    return _FORMS[leaf(reach, slot.location).type]


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
        found.append((reach.certain, emitter.assign(reach.expression)))
    parts = _PLACE.split(template)
    pieces = [
        repr(part) if index % 2 == 0 else f"str({found[index // 2][1]})"
        for index, part in enumerate(parts)
    ]
    joined = " + ".join(pieces)
    missing = [name for certain, name in found if not certain]
    if not missing:
        return Piece("{" + emitter.assign(f"quoted({joined})") + "}", live=True)
    empty = " or ".join(f"{name} is None" for name in missing)
    return emitter.optional(f"None if {empty} else quoted({joined})")


def narrative(emitter: Emitter, slot: Slot) -> Piece:
    """``{=narrative: path, else: words}``: a Narrative with the text in one paragraph.

    One-way: the narrative repeats what other elements say.
    FHIR: Narrative, http://hl7.org/fhir/R4/narrative.html
    """
    only_options(slot, "else")
    reach = emitter.reach(argument(slot), slot.location)
    leaf(reach, slot.location)
    instead = option(slot, "else")
    value = emitter.assign(f"{reach.expression} or {instead!r}" if instead else reach.expression)
    form = f"paragraph({value})"
    div = (
        Piece("{" + emitter.assign(form) + "}", live=True)
        if instead or reach.certain
        else emitter.optional(f"None if {value} is None else {form}")
    )
    return emitter.emit_object({"status": Piece(literal_text("generated")), "div": div})


def quoted(value: str) -> str:
    """Return text as a JSON string in ASCII."""
    return encode_basestring_ascii(value)


def paragraph(value: str) -> str:
    """Return text as the JSON string of an XHTML div with one escaped paragraph."""
    inner = escape(value, quote=False)
    return quoted(f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{inner}</p></div>')
