"""Identity and references: from business keys, so that the same fact has one address for life."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fhir_backpain.artifacts.located_yaml import YamlList, YamlMap
from fhir_backpain.errors import MappingCheckError
from fhir_backpain.fhir.identity import id_suffix, key_part, key_path
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.chunk import Chunks, Code, OwnKey, Text, escaped
from fhir_backpain.mapping.declaration import KeyPart, read_key
from fhir_backpain.mapping.emitter import Emitter
from fhir_backpain.mapping.functions.arguments import argument, only_options, option, refuse
from fhir_backpain.mapping.functions.copying import quoted_text
from fhir_backpain.mapping.owners import patients_of, records_of
from fhir_backpain.mapping.piece import Piece, literal
from fhir_backpain.mapping.scope import Reach, leaf
from fhir_backpain.mapping.source_shape import Leaf
from fhir_backpain.mapping.template import Slot
from fhir_backpain.record import RECORD_TYPES

# The local variables that start a logical id and the value of an identifier, by owner.
OWNERS = {"record": ("rp", "rq"), "patient": ("pp", "pq")}


@dataclass(frozen=True, slots=True)
class KeyCode:
    """A business key in code: how its text is computed, or its text where it never varies.

    `words` are the expressions of its words where words of the schemas alone decide; `of_words`
    gives its text for some. `test` is that of its first path, where that may be missing; a later
    one may always be: a cause has a side or none.
    """

    expression: str
    constant: str | None = None
    words: tuple[str, ...] = ()
    of_words: Callable[[tuple[str | None, ...]], str] = lambda words: ""
    test: str | None = None
    is_bound: bool = False


def key_code(emitter: Emitter, parts: tuple[KeyPart, ...]) -> KeyCode:
    """Return the code of a key."""
    if not any(part.is_path for part in parts):
        return KeyCode("", constant=key_path(part.text for part in parts))
    source = []
    reaches: list[Reach] = []
    for part in parts:
        if not part.is_path:
            source.append(escaped(key_part(part.text)))
            continue
        reach = emitter.reach(part.text, part.location)
        reaches.append(reach)
        source.append(_part(reach, _text_leaf(reach, part)))
    # Trailing empty parts say nothing: every key of a rule has the same number of parts.
    strip = "" if reaches[-1].certain and parts[-1].is_path else '.rstrip("/")'
    expression = "f'" + "/".join(source) + f"'{strip}"
    first = reaches[0]
    test = None if first.certain else first.presence()
    is_bound = any(reach.is_bound for reach in reaches)
    if not all(_is_word(reach.shape) for reach in reaches):
        return KeyCode(expression, test=test, is_bound=is_bound)

    def of_words(words: tuple[str | None, ...]) -> str:
        left = iter(words)
        spelt = key_path(next(left) if part.is_path else part.text for part in parts)
        return spelt.rstrip("/") if strip else spelt

    found = tuple(reach.expression for reach in reaches)
    return KeyCode(expression, None, found, of_words, test, is_bound)


def _text_leaf(reach: Reach, part: KeyPart) -> Leaf:
    shape = leaf(reach, part.location)
    if shape.type != "string":
        raise MappingCheckError(
            messages.PATH_KIND.issue(
                f"'{reach.path}' is not text, so it cannot be part of a key.",
                mapping=part.location,
            )
        )
    return shape


def _is_word(shape: object) -> bool:
    """True where the values are words of the schemas, which need no escaping."""
    return isinstance(shape, Leaf) and (shape.words is not None or shape.form == "code")


def _part(reach: Reach, shape: Leaf) -> str:
    """Return the f-string source of a component."""
    if not _is_word(shape):
        return "{part(" + reach.expression + ")}"
    return "{" + reach.expression + "}" if reach.certain else "{" + reach.expression + ' or ""}'


def own(emitter: Emitter, slot: Slot) -> Piece:
    """``{=own: identifier}``: the resource's business identifier, made from its key.

    FHIR: Identifier, http://hl7.org/fhir/R4/datatypes.html#Identifier
    """
    only_options(slot)
    if argument(slot) != "identifier":
        raise refuse(slot, "'=own' gives the identifier only.")
    emitter.code.bind()
    chunks = (Text('{"system":'), Code("system"), Text(',"value":"'), OwnKey(), Text('"}'))
    return Piece(chunks)


def reference(emitter: Emitter, slot: Slot) -> Piece:
    """``{=reference: Type, belongs to: record, key: [...]}``: a Reference to another resource.

    It carries the address and the business identifier, so that it can be followed on the server
    and read back without it. With ``of record: path`` it points into another record of the same
    type, or of that in ``record type``. It is left out where the first path of its key, or the
    other record, is missing.

    FHIR: Reference, http://hl7.org/fhir/R4/references.html
    """
    only_options(slot, "belongs to", "key", "of record", "record type")
    type_ = argument(slot)
    if type_ == "Patient":
        return _patient_reference(emitter, slot)
    other, owner = _owner(emitter, slot)
    node = slot.options.get("key")
    if not isinstance(node, YamlList):
        raise refuse(slot, "'=reference' needs a key: a list.")
    tree = YamlMap({"key": node}, {"key": slot.location}, slot.location)
    key = key_code(emitter, read_key(tree))
    tests = [test for test in (other.presence() if other else None, key.test) if test]
    if not tests and not other:
        return Piece(_pointing(emitter, type_, owner, key), live=True)
    is_bound = key.is_bound or (other is not None and other.is_bound)
    result = emitter.variable("None", is_bound=is_bound)
    with emitter.code.block(f"if {' and '.join(tests) or 'True'}:"):
        if other:
            type_name = _record_type(emitter, slot)
            names = f"records_of(s.source, {type_name})(pp, pq, {other.expression})"
            emitter.code.add(f"{owner[0]}, {owner[1]} = {names}")
        text = emitter.pieces.text(_pointing(emitter, type_, owner, key))
        emitter.code.add(f"{result.expression} = {text}")
    return emitter.settled_variable(result)


def _record_type(emitter: Emitter, slot: Slot) -> str:
    """Return the expression of the other record's type."""
    named = option(slot, "record type")
    if named is None:
        return emitter.scope.find("record", slot.location).expression
    if named not in RECORD_TYPES:
        raise refuse(slot, f"'record type' is one of: {', '.join(RECORD_TYPES)}.")
    return repr(named)


def _pointing(emitter: Emitter, type_: str, owner: tuple[str, str], key: KeyCode) -> Chunks:
    """Return the chunks of a Reference with address and identifier."""
    prefix, path = (Code(name) for name in owner)
    suffix: Text | Code
    spelt: Text | Code
    if key.constant is not None:
        suffix, spelt = Text(id_suffix(type_, key.constant)), Text(key.constant)
    else:
        spelt = emitter.variable(key.expression, is_bound=key.is_bound)
        expression = f'suffix("{type_}", {spelt.expression})'
        suffix = Code(expression, spelt.names, key.is_bound)
    return (
        Text(f'{{"reference":"{type_}/'), prefix, suffix,
        Text('","identifier":{"system":'), Code("system"),
        Text(',"value":"'), path, Text("/"), spelt, Text('"}}'),
    )  # fmt: skip


def _owner(emitter: Emitter, slot: Slot) -> tuple[Reach | None, tuple[str, str]]:
    """Return the other record, where there is one, and the variables of the owner's names."""
    other = option(slot, "of record")
    if other is not None:
        names = (emitter.code.fresh("o"), emitter.code.fresh("o"))
        return emitter.reach(other, slot.location), names
    if "record type" in slot.options:
        raise refuse(slot, "'record type' stands beside 'of record'.")
    belongs = option(slot, "belongs to") or "record"
    if belongs not in OWNERS:
        raise refuse(slot, "'belongs to' is record or patient.")
    return None, OWNERS[belongs]


def _patient_reference(emitter: Emitter, slot: Slot) -> Piece:
    for path in ("patient.identifier.system", "patient.identifier.value"):
        emitter.reach(path, slot.location)
    chunks = (
        Text('{"reference":"Patient/'), Code("pid"),
        Text('","identifier":'), Code("pidentifier"), Text("}"),
    )  # fmt: skip
    return Piece(chunks, live=True)


def actor(emitter: Emitter, slot: Slot) -> Piece:
    """``{=actor: path}``: a logical Reference to a Practitioner by business identifier.

    The server need not hold the Practitioner: clinics keep their staff elsewhere.
    """
    only_options(slot)
    path = argument(slot)
    system, value, name = (
        emitter.value(emitter.reach(f"{path}.{part}", slot.location), quoted_text)
        for part in ("identifier.system", "identifier.value", "name")
    )
    identifier = emitter.pieces.object({"system": system, "value": value})
    return emitter.pieces.object(
        {"type": literal("Practitioner"), "identifier": identifier, "display": name}
    )


def made(emitter: Emitter, slot: Slot) -> Piece:
    """``{=made: references}``: References to everything that the record has made so far.

    One-way: the list follows from the other rules.
    """
    only_options(slot)
    emitter.code.bind()
    emitter.makes_list = True
    joined = Code("AND_REFERENCE.join(urls)", is_bound=True)
    return Piece((joined,), "urls", True, is_bound=True).wrapped('[{"reference":"', '"}]')


NAMES: dict[str, Any] = {
    "part": key_part,
    "suffix": id_suffix,
    "patients_of": patients_of,
    "records_of": records_of,
    "AND_REFERENCE": '"},{"reference":"',
}
"""What the code that these functions emit refers to."""
