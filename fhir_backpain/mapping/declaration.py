"""Reads mapping files and fragment files into declarations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fhir_backpain.artifacts import messages as artifact_messages
from fhir_backpain.artifacts.located_yaml import (
    YamlList,
    YamlMap,
    YamlScalar,
    fail,
    read_yaml,
    refuse_unknown,
    want_map,
    want_text,
)
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.template import Template, read_repetition, read_template
from fhir_backpain.outcome import MappingLocation

_KEYS = {
    "mapping",
    "source",
    "makes",
    "for each",
    "when",
    "only if new",
    "belongs to",
    "key",
    "resource",
    "ignore",
}


# What is made later may refer to what is made earlier; Provenance names everything before it.
MADE_TYPES = (
    "Patient", "Encounter", "CareTeam", "Condition", "Goal", "QuestionnaireResponse",
    "Observation", "ServiceRequest", "MedicationRequest", "Procedure", "DiagnosticReport",
    "CarePlan", "Provenance",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class KeyPart:
    """One component of a business key: a fixed word, or a source path."""

    text: str
    is_path: bool
    location: MappingLocation


@dataclass(frozen=True, slots=True)
class Ignored:
    """A source path that is left out on purpose, and why."""

    path: str
    because: str
    location: MappingLocation


@dataclass(frozen=True, slots=True)
class Declaration:
    """One mapping: what it reads, what it makes, for each of what, and under which identity.

    `belongs_to` is ``record`` for a resource that one record alone makes, ``patient`` for one
    that every record of the patient may speak of, ``person`` for the Patient itself. Where one of
    `only_if_new` holds, what is made does not replace what another record said.
    """

    name: str
    sources: tuple[str, ...]
    makes: str
    repetition: tuple[str, str] | None
    condition: str | None
    only_if_new: tuple[str, ...]
    belongs_to: str
    key: tuple[KeyPart, ...]
    template: Template
    ignored: tuple[Ignored, ...]
    location: MappingLocation


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part that several mappings share; its parameters are names for source paths."""

    name: str
    parameters: tuple[str, ...]
    template: Template
    location: MappingLocation


def read_declaration(path: Path) -> Declaration:
    """Return the mapping of a file; raises MappingSyntaxError with line and column."""
    tree = read_yaml(path)
    refuse_unknown(tree, _KEYS)
    repeated = tree.get("for each")
    return Declaration(
        name=want_text(tree, "mapping"),
        sources=_names(tree, "source"),
        makes=_makes(tree),
        repetition=read_repetition(repeated) if repeated else None,
        condition=want_text(tree, "when") if "when" in tree else None,
        only_if_new=_names(tree, "only if new") if "only if new" in tree else (),
        belongs_to=_belongs_to(tree),
        key=read_key(tree),
        template=read_template(want_map(tree, "resource")),
        ignored=read_ignored(tree),
        location=tree.location,
    )


def _names(tree: YamlMap, key: str) -> tuple[str, ...]:
    node = tree.get(key)
    if isinstance(node, YamlList):
        return tuple(item.text for item in node if isinstance(item, YamlScalar))
    return (want_text(tree, key),)


def _makes(tree: YamlMap) -> str:
    text = want_text(tree, "makes")
    if text not in MADE_TYPES:
        raise fail(
            artifact_messages.WRONG_KIND,
            f"A mapping makes one of: {', '.join(MADE_TYPES)}.",
            tree.entries["makes"].location,
        )
    return text


def _belongs_to(tree: YamlMap) -> str:
    text = want_text(tree, "belongs to")
    if text not in ("record", "patient", "person"):
        raise fail(
            artifact_messages.WRONG_KIND,
            "'belongs to' is record, patient or person.",
            tree.entries["belongs to"].location,
        )
    return text


def read_key(tree: YamlMap) -> tuple[KeyPart, ...]:
    """Return the business key under ``key``: words and ``=paths``."""
    node = tree.get("key")
    if not isinstance(node, YamlList):
        raise fail(artifact_messages.ENTRY_MISSING, "'key' must be a list.", tree.location)
    parts = []
    for item in node:
        if not isinstance(item, YamlScalar):
            raise fail(messages.SLOT_ARGUMENT, "A key holds words and =paths.", item.location)
        is_path = item.text.startswith("=")
        parts.append(KeyPart(item.text.removeprefix("=").strip(), is_path, item.location))
    return tuple(parts)


def read_ignored(tree: YamlMap) -> tuple[Ignored, ...]:
    """Return the entries under ``ignore``, each with its reason."""
    node = tree.get("ignore")
    if node is None:
        return ()
    if not isinstance(node, YamlList):
        raise fail(artifact_messages.WRONG_KIND, "'ignore' must be a list.", node.location)
    return tuple(ignored for item in node for ignored in _read_ignored_item(item))


def _read_ignored_item(item: object) -> list[Ignored]:
    if not isinstance(item, YamlMap):
        place = getattr(item, "location", MappingLocation("?", 1))
        raise fail(artifact_messages.WRONG_KIND, "Write {path: …, because: …}.", place)
    refuse_unknown(item, {"path", "because"})
    reason = want_text(item, "because")
    return [Ignored(path, reason, item.location) for path in _names(item, "path")]


def read_fragments(path: Path) -> list[Fragment]:
    """Return the fragments of a file of ``mappings/shared``."""
    fragments = want_map(read_yaml(path), "fragments")
    return [_read_fragment(name, want_map(fragments, name)) for name in fragments.entries]


def _read_fragment(name: str, tree: YamlMap) -> Fragment:
    refuse_unknown(tree, {"parameters", "is"})
    node = tree.get("is")
    if node is None:
        raise fail(artifact_messages.ENTRY_MISSING, "A fragment needs 'is'.", tree.location)
    parameters = _names(tree, "parameters") if "parameters" in tree else ()
    return Fragment(name, parameters, read_template(node), tree.location)


Fragments = Mapping[str, Fragment]
