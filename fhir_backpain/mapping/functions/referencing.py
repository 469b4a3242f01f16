"""Identity and references: from business keys, so that the same fact has one address for life."""

from __future__ import annotations

from fhir_backpain.artifacts.located_yaml import YamlList, YamlMap
from fhir_backpain.errors import MappingCheckError
from fhir_backpain.fhir.identity import key_part
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.declaration import KeyPart, read_key
from fhir_backpain.mapping.emitter import Emitter, Piece, in_f_string, literal_text
from fhir_backpain.mapping.functions.arguments import argument, only_options, option, refuse
from fhir_backpain.mapping.scope import leaf
from fhir_backpain.mapping.template import Slot

OWNERS = {"record": "c.record", "patient": "c.patient"}


def emit_key(emitter: Emitter, parts: tuple[KeyPart, ...]) -> tuple[str, str | None]:
    """Return the variable that holds a key's text, and that of its first path.

    The second is None where the first path is always there, or there is no path. A later path may
    be missing: a cause has a side or none.
    """
    source = []
    paths = []
    for part in parts:
        if not part.is_path:
            source.append(in_f_string(key_part(part.text)))
            continue
        reach = emitter.reach(part.text, part.location)
        if leaf(reach, part.location).type != "string":
            raise MappingCheckError(
                messages.PATH_KIND.issue(
                    f"'{reach.path}' is not text, so it cannot be part of a key.",
                    mapping=part.location,
                )
            )
        value = emitter.assign(reach.expression)
        paths.append(None if reach.certain else value)
        source.append("{part(" + value + ")}")
    # Trailing empty parts say nothing: every key of a rule has the same number of parts.
    return emitter.assign("f'" + "/".join(source) + "'.rstrip('/')"), next(iter(paths), None)


def own(emitter: Emitter, slot: Slot) -> Piece:
    """``{=own: identifier}``: the resource's business identifier, made from its key.

    FHIR: Identifier, http://hl7.org/fhir/R4/datatypes.html#Identifier
    """
    only_options(slot)
    if argument(slot) != "identifier":
        raise refuse(slot, "'=own' gives the identifier only.")
    return Piece('{{"system":{c.system},"value":"{o.identifier_value(k)}"}}')


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
    key, first = emit_key(emitter, read_key(tree))
    absent = [name for name in (missing, first) if name]
    if not absent:
        return Piece(_literal_reference(emitter, type_, owner, key), live=True)
    there = " and ".join(f"{name} is not None" for name in absent)
    result = emitter.assign("None")
    with emitter.block(f"if {there}:"):
        if missing:
            emitter.line(f"{owner} = c.other_record({missing})")
        emitter.line(f"{result} = f'{_literal_reference(emitter, type_, owner, key)}'")
    return Piece("{" + result + "}", variable=result, live=True)


def _literal_reference(emitter: Emitter, type_: str, owner: str, key: str) -> str:
    """Return the f-string source of a Reference with address and identifier."""
    address = emitter.assign(f"{owner}.logical_id({type_!r}, {key})")
    value = emitter.assign(f"{owner}.identifier_value({key})")
    return (
        f'{{{{"reference":"{type_}/{{{address}}}",'
        f'"identifier":{{{{"system":{{c.system}},"value":"{{{value}}}"}}}}}}}}'
    )


def _owner(emitter: Emitter, slot: Slot) -> tuple[str, str | None]:
    other = option(slot, "of record")
    if other is not None:
        reach = emitter.reach(other, slot.location)
        return emitter.fresh("o"), emitter.assign(reach.expression)
    belongs = option(slot, "belongs to") or "record"
    if belongs not in OWNERS:
        raise refuse(slot, "'belongs to' is record or patient.")
    return OWNERS[belongs], None


def _patient_reference(emitter: Emitter, slot: Slot) -> Piece:
    for path in ("patient.identifier.system", "patient.identifier.value"):
        emitter.reach(path, slot.location)
    return Piece(
        '{{"reference":"Patient/{c.patient_id}","identifier":{c.patient_identifier}}}', live=True
    )


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
    return emitter.optional(
        "'[' + ','.join(f'{{\"reference\":\"{m.url}\"}}' for m in made) + ']' if made else None"
    )
