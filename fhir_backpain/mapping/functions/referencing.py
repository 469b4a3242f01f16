"""Identity and references: from business keys, so that the same fact has one address for life."""

from __future__ import annotations

from dataclasses import dataclass

from fhir_backpain.artifacts.located_yaml import YamlList, YamlMap
from fhir_backpain.errors import MappingCheckError
from fhir_backpain.fhir.identity import id_suffix, key_part, key_path
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.declaration import KeyPart, read_key
from fhir_backpain.mapping.emitter import Emitter, Piece, in_f_string, literal_text
from fhir_backpain.mapping.functions.arguments import argument, only_options, option, refuse
from fhir_backpain.mapping.scope import Reach, leaf
from fhir_backpain.mapping.source_shape import Leaf
from fhir_backpain.mapping.template import Slot

# The local variables that start a logical id and the value of an identifier, by owner.
OWNERS = {"record": ("rp", "rq"), "patient": ("pp", "pq")}


@dataclass(frozen=True, slots=True)
class KeyCode:
    """A business key in code: f-string source, and as a constant where it never varies.

    `first` is the variable of its first path, where that may be missing; a later one may always
    be: a cause has a side or none.
    """

    text: str
    constant: str | None
    first: str | None

    def suffix(self, type_: str) -> str:
        """Return the f-string source of the last part of a logical id."""
        if self.constant is not None:
            return id_suffix(type_, self.constant)
        return f"{{suffix({type_!r}, {self.text[1:-1]})}}".replace("'", '"')


def emit_key(emitter: Emitter, parts: tuple[KeyPart, ...]) -> KeyCode:
    """Emit what computes a key."""
    if not any(part.is_path for part in parts):
        constant = key_path(part.text for part in parts)
        return KeyCode(in_f_string(constant), constant, None)
    source = []
    paths = []
    for part in parts:
        if not part.is_path:
            source.append(in_f_string(key_part(part.text)))
            continue
        reach = emitter.reach(part.text, part.location)
        shape = leaf(reach, part.location)
        if shape.type != "string":
            raise MappingCheckError(
                messages.PATH_KIND.issue(
                    f"'{reach.path}' is not text, so it cannot be part of a key.",
                    mapping=part.location,
                )
            )
        value = emitter.assign(reach.expression)
        paths.append(None if reach.certain else value)
        source.append(_part(value, reach, shape))
    # Trailing empty parts say nothing: every key of a rule has the same number of parts.
    strip = "" if paths[-1] is None and parts[-1].is_path else ".rstrip('/')"
    name = emitter.assign("f'" + "/".join(source) + f"'{strip}")
    return KeyCode("{" + name + "}", None, paths[0])


def _part(value: str, reach: Reach, shape: Leaf) -> str:
    """Return the f-string source of a component; words of the schemas need no escaping."""
    if shape.words is None and shape.form != "code":
        return "{part(" + value + ")}"
    return "{" + value + "}" if reach.certain else "{" + value + " or ''}".replace("'", '"')


def own(emitter: Emitter, slot: Slot) -> Piece:
    """``{=own: identifier}``: the resource's business identifier, made from its key.

    FHIR: Identifier, http://hl7.org/fhir/R4/datatypes.html#Identifier
    """
    only_options(slot)
    if argument(slot) != "identifier":
        raise refuse(slot, "'=own' gives the identifier only.")
    emitter.bind()
    return Piece(f'{{{{"system":{{system}},"value":"{emitter.identity}"}}}}')


def reference(emitter: Emitter, slot: Slot) -> Piece:
    """``{=reference: Type, belongs to: record, key: [...]}``: a Reference to another resource.

    It carries the address and the business identifier, so that it can be followed on the server
    and read back without it. With ``of record: path`` it points into another record of the same
    type. It is left out where the first path of its key, or the other record, is missing.

    FHIR: Reference, http://hl7.org/fhir/R4/references.html
    """
    only_options(slot, "belongs to", "key", "of record")
    type_ = argument(slot)
    if type_ == "Patient":
        return _patient_reference(emitter, slot)
    owner, missing = _owner(emitter, slot)
    node = slot.options.get("key")
    if not isinstance(node, YamlList):
        raise refuse(slot, "'=reference' needs a key: a list.")
    tree = YamlMap({"key": node}, {"key": slot.location}, slot.location)
    key = emit_key(emitter, read_key(tree))
    absent = [name for name in (missing, key.first) if name]
    if not absent:
        return Piece("{" + emitter.assign(f"f'{_literal(type_, owner, key)}'") + "}", live=True)
    there = " and ".join(f"{name} is not None" for name in absent)
    result = emitter.assign("None")
    with emitter.block(f"if {there}:"):
        if missing:
            emitter.line(f"{owner[0]}, {owner[1]} = c.other_record({missing})")
        emitter.line(f"{result} = f'{_literal(type_, owner, key)}'")
    return Piece("{" + result + "}", variable=result, live=True)


def _literal(type_: str, owner: tuple[str, str], key: KeyCode) -> str:
    """Return the f-string source of a Reference with address and identifier."""
    prefix, path = owner
    return (
        f'{{{{"reference":"{type_}/{{{prefix}}}{key.suffix(type_)}",'
        f'"identifier":{{{{"system":{{system}},"value":"{{{path}}}/{key.text}"}}}}}}}}'
    )


def _owner(emitter: Emitter, slot: Slot) -> tuple[tuple[str, str], str | None]:
    other = option(slot, "of record")
    if other is not None:
        reach = emitter.reach(other, slot.location)
        return (emitter.fresh("o"), emitter.fresh("o")), emitter.assign(reach.expression)
    belongs = option(slot, "belongs to") or "record"
    if belongs not in OWNERS:
        raise refuse(slot, "'belongs to' is record or patient.")
    return OWNERS[belongs], None


def _patient_reference(emitter: Emitter, slot: Slot) -> Piece:
    for path in ("patient.identifier.system", "patient.identifier.value"):
        emitter.reach(path, slot.location)
    text = '{{"reference":"Patient/{c.patient_id}","identifier":{c.patient_identifier}}}'
    return Piece("{" + emitter.assign(f"f'{text}'") + "}", live=True)


def actor(emitter: Emitter, slot: Slot) -> Piece:
    """``{=actor: path}``: a logical Reference to a Practitioner by business identifier.

    The server need not hold the Practitioner: clinics keep their staff elsewhere.
    """
    only_options(slot)
    path = argument(slot)
    members = {
        part: emitter.value(emitter.reach(f"{path}.identifier.{part}", slot.location), "quoted({})")
        for part in ("system", "value")
    }
    name = emitter.value(emitter.reach(f"{path}.name", slot.location), "quoted({})")
    return emitter.emit_object(
        {
            "type": Piece(literal_text("Practitioner")),
            "identifier": emitter.emit_object(members),
            "display": name,
        }
    )


def made(emitter: Emitter, slot: Slot) -> Piece:
    """``{=made: references}``: References to everything that the record has made so far.

    One-way: the list follows from the other rules.
    """
    only_options(slot)
    emitter.bind()
    return emitter.optional(
        "'[' + ','.join(f'{{\"reference\":\"{m.url}\"}}' for m in made) + ']' if made else None"
    )
