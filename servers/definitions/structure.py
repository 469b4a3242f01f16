"""The lines of the index that one StructureDefinition becomes.

FHIR: http://hl7.org/fhir/R4/structuredefinition.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Line = dict[str, Any]

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_SYSTEM = "http://hl7.org/fhirpath/System."
_FHIR_TYPE = _CORE + "structuredefinition-fhir-type"
_REGEX = _CORE + "regex"
_ANY = "Resource"

# http://hl7.org/fhir/R5/json.html#primitive; integer64 is a string, as not every reader's number
# holds 64 bits.
_JSON_KINDS = {
    "boolean": "boolean",
    **dict.fromkeys(("decimal", "integer", "positiveInt", "unsignedInt"), "number"),
}
_LIMITS = {"minValue": "minimum", "maxValue": "maximum", "maxLength": "maxLength"}
# The machine-readable forms of R4 and R4B differ here from their own text.
_CORRECTED_TYPES = {"Resource.id": "id", "Element.id": "string"}
_CORRECTED_REGEXES = {
    # A brace too many in R5 lets no exponent pass that R5's own text allows.
    r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?([eE][+-]?[0-9]{1,9}})?": (
        r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?([eE][+-]?[0-9]{1,9})?"
    ),
    # The same language without two ways to read each gap, which take for ever on wrong input.
    r"(\s*([0-9a-zA-Z\+/=]){4}\s*)+": (r"\s*[0-9a-zA-Z\+/=]{4}(\s*[0-9a-zA-Z\+/=]{4})*\s*"),
}


def type_name(structure: Line) -> str:
    """Return the name by which elements refer to a structure, SimpleQuantity for one."""
    return str(structure["id"])


def base_name(structure: Line) -> str | None:
    """Return the name of the type that a structure specializes or constrains."""
    base = structure.get("baseDefinition")
    return base.removeprefix(_CORE) if base else None


def structure_lines(structure: Line) -> Iterator[Line]:
    """Yield the line of the type, then those of its own elements and invariants.

    What a type has from its base, or an element from its datatype, is on their lines alone.
    """
    name = type_name(structure)
    elements = structure["snapshot"]["element"]
    yield _type_line(name, structure, elements)
    if structure["kind"] == "primitive-type":
        return
    for element in elements[1:]:
        if _is_own(structure, element):
            yield _element_line(name, element)
    yield from _invariant_lines(name, structure)


def types_of(element: Line) -> list[str]:
    """Return the types of an element as the index writes them: ``Reference(Patient|Group)``."""
    return [_written_type(given, element["path"]) for given in element.get("type", [])]


def _type_line(name: str, structure: Line, elements: list[Line]) -> Line:
    line: Line = {"type": name, "kind": structure["kind"], "short": elements[0]["short"]}
    if base := base_name(structure):
        line["base"] = base
    if _is_true(structure["abstract"]):
        line["abstract"] = True
    if structure.get("derivation") == "constraint":
        line["constrains"] = structure["type"]
    if structure["kind"] == "primitive-type":
        (value,) = (element for element in elements if element["path"] == f"{name}.value")
        line.update(_primitive(name, value))
    return line


def _primitive(name: str, value: Line) -> Line:
    (given,) = value["type"]
    line: Line = {"json": _JSON_KINDS.get(name, "string")}
    if regex := _extension(given, _REGEX):
        line["regex"] = _CORRECTED_REGEXES.get(regex, regex)
    for key, number in value.items():
        for fhir_name, limit in _LIMITS.items():
            if key.startswith(fhir_name):  # The type follows: minValueInteger.
                line[limit] = int(number)
    return line


def _is_own(structure: Line, element: Line) -> bool:
    """Inherited elements are left out, those that a constraint narrows are kept."""
    base = element["base"]
    if structure.get("derivation") == "constraint":
        return bool((element["min"], element["max"]) != (base["min"], base["max"]))
    return bool(base["path"] == element["path"])


def _element_line(name: str, element: Line) -> Line:
    for key in element:
        if key.startswith(("fixed", "pattern")):
            # No base definition has one; the first that does needs a place in the index.
            raise ValueError(f"{element['path']} has a {key}")
    line: Line = {"path": _renamed(name, element["path"]), "short": element["short"]}
    if minimum := int(element["min"]):
        line["min"] = minimum
    if element["max"] != "1":
        line["max"] = "*" if element["max"] == "*" else int(element["max"])
    if "contentReference" in element:
        line["contentReference"] = element["contentReference"].partition("#")[2]
    else:
        line["types"] = types_of(element)
    if _is_true(element.get("isModifier", False)):
        line["modifier"] = True
    if "valueSet" in element.get("binding", {}):
        url = element["binding"]["valueSet"].partition("|")[0]
        line["binding"] = {"strength": element["binding"]["strength"], "valueSet": url}
    return line


def _written_type(given: Line, path: str) -> str:
    code = given["code"]
    if code.startswith(_SYSTEM):
        code = _CORRECTED_TYPES.get(path) or _extension(given, _FHIR_TYPE) or "string"
    if profiles := given.get("profile"):
        (profile,) = profiles
        return str(profile).removeprefix(_CORE)
    targets = [target.rpartition("/")[2] for target in given.get("targetProfile", [])]
    named = [target for target in targets if target != _ANY]
    return f"{code}({'|'.join(named)})" if named else code


def _invariant_lines(name: str, structure: Line) -> Iterator[Line]:
    root, *elements = structure["snapshot"]["element"]
    general = {constraint["key"] for constraint in root.get("constraint", [])}
    yield from _own_invariants(name, structure, root)
    for element in elements:
        if _is_own(structure, element):
            for line in _own_invariants(name, structure, element):
                # What holds for a whole type is repeated on elements of that very type.
                if line["invariant"] not in general:
                    yield line


def _own_invariants(name: str, structure: Line, element: Line) -> Iterator[Line]:
    url = structure["url"]
    for constraint in element.get("constraint", []):
        # Older definitions name no source where the rule is the type's own.
        if constraint.get("source", url) in (url, name):
            yield {
                "invariant": constraint["key"],
                "at": _renamed(name, element["path"]),
                "severity": constraint["severity"],
                "human": constraint["human"],
                "expression": constraint.get("expression", ""),
            }


def _renamed(name: str, path: str) -> str:
    """A constraint's own paths begin with the type that it constrains."""
    return ".".join([name, *path.split(".")[1:]])


def _extension(given: Line, url: str) -> str | None:
    for extension in given.get("extension", []):
        if extension["url"] == url:
            return str(next(value for key, value in extension.items() if key != "url"))
    return None


def _is_true(value: Any) -> bool:
    return value in (True, "true")
