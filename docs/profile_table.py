"""The table of a profile's elements: what it, or its parent, says beyond FHIR itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fhir_backpain.definitions.definitions import Definitions, load_definitions

Json = dict[str, Any]
_MUST_SUPPORT = "http://hl7.org/fhir/StructureDefinition/elementdefinition-type-must-support"
_HEADS = ("element", "card.", "MS", "type", "binding or value", "meaning")


def element_rows(profile: Json, package: Path) -> Iterator[str]:
    """Yield the lines of the table, element by element in FHIR's order."""
    yield f"| {' | '.join(_HEADS)} |"
    yield "|---" * len(_HEADS) + "|"
    definitions = load_definitions("R4")
    own = {element["id"] for element in profile["differential"]["element"]}
    for element in profile["snapshot"]["element"][1:]:
        if element["id"] in own or _says_more(element, definitions):
            yield _row(element, package)


def _says_more(element: Json, definitions: Definitions) -> bool:
    base = element["base"]
    is_sliced = "sliceName" in element or _discriminators(element)
    cardinality = (element["min"], element["max"]) != (base["min"], base["max"])
    return bool(
        element.get("mustSupport")
        or is_sliced
        or cardinality
        or _value(element)
        or _binds_more(element, definitions)
        or _has_fewer_types(element, definitions)
    )


def _discriminators(element: Json) -> list[Json]:
    """Return how a list is sliced; every list of extensions is, by FHIR itself."""
    if element["path"].rpartition(".")[2] in ("extension", "modifierExtension"):
        return []
    return list(element.get("slicing", {}).get("discriminator", ()))


def _binds_more(element: Json, definitions: Definitions) -> bool:
    binding = element.get("binding")
    if not binding or binding["strength"] not in ("required", "extensible"):
        return False
    known = definitions.codes(element["path"])
    value_set = str(binding.get("valueSet", "")).partition("|")[0]
    return known is None or known.value_set.partition("|")[0] != value_set


def _has_fewer_types(element: Json, definitions: Definitions) -> bool:
    path = element["path"]
    types = element.get("type", [])
    if path.endswith("[x]"):
        stem = path.rpartition(".")[2].removesuffix("[x]")
        children = definitions.children(path.rpartition(".")[0]).values()
        known = [one for one in children if one.choice_of and one.choice_of.path == path]
        return bool(known) and len(types) < len(known) and bool(stem)
    found = definitions.element(path)
    targets = {url.rpartition("/")[2] for part in types for url in part.get("targetProfile", ())}
    return bool(found and found.targets and targets != set(found.targets))


def _row(element: Json, package: Path) -> str:
    cells = (
        f"`{element['id']}`",
        f"{element['min']}..{element['max']}",
        "MS" if element.get("mustSupport") else "",
        _types(element),
        _bound(element, package),
        cell(element.get("short", "")),
    )
    return f"| {' | '.join(cells)} |"


def _types(element: Json) -> str:
    if element["max"] == "0":
        return ""
    parts = []
    for part in element.get("type", ()):
        name = part["code"].rpartition(".")[2] if "/" in part["code"] else part["code"]
        urls = part.get("targetProfile") or part.get("profile") or ()
        marks = part.get("_targetProfile", [{}] * len(urls))
        listed = [
            url.rpartition("/")[2] + _mark(mark) for url, mark in zip(urls, marks, strict=True)
        ]
        text = f"{name}({', '.join(listed)})" if listed else name
        parts.append(text + _mark(part))
    return ", ".join(parts)


def _mark(part: Json | None) -> str:
    """Return a mark for a type, or a target, that must be supported itself."""
    extensions = (part or {}).get("extension", ())
    return (
        " MS"
        if any(one["url"] == _MUST_SUPPORT and one["valueBoolean"] for one in extensions)
        else ""
    )


def _bound(element: Json, package: Path) -> str:
    said = [_value(element)] if _value(element) else []
    binding = element.get("binding")
    if binding and "valueSet" in binding and element["max"] != "0":
        said.append(f"{_value_set(binding['valueSet'], package)} ({binding['strength']})")
    sliced = _discriminators(element)
    if sliced:
        said.append("slices by " + ", ".join(f"{one['type']} of `{one['path']}`" for one in sliced))
    return "; ".join(said)


def _value_set(url: str, package: Path) -> str:
    name = url.partition("|")[0].rpartition("/")[2]
    file = package / f"ValueSet-{name}.json"
    if file.is_file():
        return f"[{name}](../../profiles/package/{file.name})"
    return f"[{name}]({url.partition('|')[0]})"


def _value(element: Json) -> str:
    """Return the fixed value or the pattern."""
    for name, value in element.items():
        for prefix, word in (("fixed", "is"), ("pattern", "holds")):
            if name.startswith(prefix) and name[len(prefix) : len(prefix) + 1].isupper():
                return f"{word} {_shown(value)}"
    return ""


def _shown(value: Any) -> str:
    codings = value.get("coding") if isinstance(value, dict) else None
    if codings:
        return ", ".join(_shown(one) for one in codings)
    if isinstance(value, dict) and set(value) <= {"system", "code", "display"}:
        return f"`{value.get('system', '')}#{value.get('code', '')}`"
    return f"`{cell(value if isinstance(value, str) else json.dumps(value))}`"


def cell(text: Any) -> str:
    """Return a text that can stand in a cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")
