"""What a reference of a template leads to, held against what a profile allows."""

from __future__ import annotations

from collections.abc import Iterable

from fhir_backpain.definitions.profile import ProfileElement
from fhir_backpain.definitions.profile_folder import ProfileFolders
from fhir_backpain.mapping.functions.arguments import argument
from fhir_backpain.mapping.template import Literal, Slot

_FHIR = "http://hl7.org/fhir/StructureDefinition/"


def refused_target(
    node: Slot | Literal,
    rules: Iterable[ProfileElement],
    profiles: ProfileFolders,
    base: tuple[str, ...],
) -> str | None:
    """Return the type that a reference leads to where a profile does not allow it, else None.

    `base` are the types that FHIR itself allows; a target of unknown type is let through.
    """
    if not isinstance(node, Slot) or node.function not in ("reference", "actor"):
        return None
    made = "Practitioner" if node.function == "actor" else argument(node)
    for rule in rules:
        types = [_type_of(url, profiles, base) for url in rule.targets]
        if types and None not in types and made not in types and "Resource" not in types:
            return made
    return None


def _type_of(url: str, profiles: ProfileFolders, base: tuple[str, ...]) -> str | None:
    """Return the resource type of a profile; one that is not here says it in its name, or not."""
    if url.startswith(_FHIR):
        return url.removeprefix(_FHIR)
    profile = profiles.find(url)
    if profile is not None:
        return profile.type
    last = url.partition("|")[0].rpartition("-")[2].lower()
    return next((type_ for type_ in base if type_.lower() == last), None)
