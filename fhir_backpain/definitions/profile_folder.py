"""Profiles and value sets of folders of FHIR artifacts, read when they are asked for.

A folder holds files such as ``StructureDefinition-backpain-score.json`` with a snapshot, and
``ValueSet-….json`` and ``CodeSystem-….json`` that their bindings need.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from fhir_backpain.definitions.element import Binding, Code
from fhir_backpain.definitions.messages import PROFILE_UNREADABLE
from fhir_backpain.definitions.profile import NOTHING, Discriminator, Profile, ProfileElement
from fhir_backpain.errors import ArtifactError
from fhir_backpain.outcome import MappingLocation

Json = dict[str, Any]

_KINDS = ("StructureDefinition", "ValueSet", "CodeSystem")
# What is read of an element; the rest, most of a snapshot, is not kept.
_ELEMENT = frozenset(("id", "min", "max", "type", "binding", "mustSupport", "slicing"))


class ProfileFolders:
    """The profiles of some folders; where two have one of the same URL, the first folder's."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._resources = {
            kind: dict(_by_url(tuple(folders), kind)) for kind in _KINDS
        }  # fmt: skip
        self._profiles: dict[str, Profile] = {}
        self._codes: dict[str, tuple[Code, ...] | None] = {}

    def urls(self) -> tuple[str, ...]:
        """Return the URL of every profile of a resource, sorted."""
        return tuple(sorted(url for url in self._resources["StructureDefinition"]))

    def find(self, url: str) -> Profile | None:
        """Return a profile, or None; raises ArtifactError where its file is no profile."""
        url = url.partition("|")[0]
        file = self._resources["StructureDefinition"].get(url)
        if file is None:
            return None
        if url not in self._profiles:
            self._profiles[url] = self._profile(file)
        return self._profiles[url]

    def codes(self, value_set: str) -> tuple[Code, ...] | None:
        """Return the codes of a value set, or None where they are not all known here."""
        url = value_set.partition("|")[0]
        if url not in self._codes:
            self._codes[url] = None  # A value set that includes itself has no codes.
            file = self._resources["ValueSet"].get(url)
            self._codes[url] = self._expanded(_read(file)) if file else None
        return self._codes[url]

    def _profile(self, file: Path) -> Profile:
        data = _read(file)
        try:
            found = (self._element(line) for line in data["snapshot"]["element"])
            return Profile(
                data["url"], data["id"], data["type"], {element.id: element for element in found}
            )
        except (KeyError, TypeError, ValueError):
            raise _unreadable(file, "It holds no profile with a snapshot.") from None

    def _element(self, line: Json) -> ProfileElement:
        slicing = line.get("slicing", {})
        types = list(line.get("type", ()))
        last = line["id"].rpartition(".")[2]
        name, _, slice_name = last.partition(":")
        return ProfileElement(
            id=line["id"],
            name=name,
            slice_name=slice_name or None,
            min=line["min"],
            max=None if line["max"] == "*" else int(line["max"]),
            types=tuple(type_["code"].rpartition(".")[2] for type_ in types),
            targets=tuple(url for type_ in types for url in type_.get("targetProfile", ())),
            fixed=_value(line, "fixed"),
            pattern=_value(line, "pattern"),
            binding=self._binding(line.get("binding")),
            is_must_support=line.get("mustSupport", False),
            discriminators=tuple(
                Discriminator(one["type"], one["path"]) for one in slicing.get("discriminator", ())
            ),
            is_closed=slicing.get("rules") == "closed",
        )

    def _binding(self, line: Json | None) -> Binding | None:
        if line is None or "valueSet" not in line:
            return None
        return Binding(line["strength"], line["valueSet"], self.codes(line["valueSet"]))

    def _expanded(self, value_set: Json) -> tuple[Code, ...] | None:
        compose = value_set.get("compose", {})
        if "exclude" in compose:
            return None
        found: list[Code] = []
        for include in compose.get("include", ()):
            codes = self._included(include)
            if codes is None:
                return None
            found += codes
        return tuple(dict.fromkeys(found))

    def _included(self, include: Json) -> list[Code] | None:
        if "filter" in include:
            return None
        if "concept" in include:
            concepts = include["concept"]
        elif "system" in include:
            file = self._resources["CodeSystem"].get(include["system"])
            system = _read(file) if file else {}
            if system.get("content") != "complete":
                return None
            concepts = system.get("concept", ())
        else:
            nested = [self.codes(url) for url in include.get("valueSet", ())]
            known = [codes for codes in nested if codes is not None]
            return None if len(known) < len(nested) else [one for codes in known for one in codes]
        system_url = include["system"]
        return [Code(system_url, one["code"], one.get("display", "")) for one in concepts]


def _by_url(folders: tuple[Path, ...], kind: str) -> Iterator[tuple[str, Path]]:
    for folder in reversed(folders):
        for file in sorted(folder.glob(f"{kind}-*.json")):
            yield _read(file).get("url", ""), file


def _value(line: Json, prefix: str) -> Any:
    """Return the value of ``fixed[x]`` or ``pattern[x]``."""
    for name, value in line.items():
        if name.startswith(prefix) and name[len(prefix) : len(prefix) + 1].isupper():
            return value
    return NOTHING


def _read(file: Path) -> Json:
    return _parsed(file, file.stat().st_mtime_ns)


@cache
def _parsed(file: Path, changed: int) -> Json:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise _unreadable(file, "It cannot be read as JSON.") from None
    if not isinstance(data, dict):
        raise _unreadable(file, "It holds no resource.")
    return _compact(data) if data.get("resourceType") == "StructureDefinition" else data


def _compact(data: Json) -> Json:
    """Return what is read of a profile."""
    kept: Json = {name: data[name] for name in ("url", "id", "type") if name in data}
    snapshot = data.get("snapshot")
    elements = snapshot.get("element") if isinstance(snapshot, dict) else None
    if isinstance(elements, list):
        lines = [
            {name: item for name, item in line.items() if name in _ELEMENT or _is_value(name)}
            for line in elements
            if isinstance(line, dict)
        ]
        kept["snapshot"] = {"element": lines}
    return kept


def _is_value(name: str) -> bool:
    return name.startswith(("fixed", "pattern"))


def _unreadable(file: Path, text: str) -> ArtifactError:
    place = MappingLocation(str(file), 1)
    return ArtifactError(PROFILE_UNREADABLE.issue(f"{file.name}: {text}", mapping=place))
