"""Conformance resources in FHIR's XML form, as the data of their JSON form.

Only the elements that the index needs have the right shape; of other repeating elements the last
one is kept. Numbers and booleans stay text.
FHIR: http://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any
from xml.etree import ElementTree

_NAMESPACE = "{http://hl7.org/fhir}"

# The elements that repeat, each with its parent: a list in JSON even where there is one.
_REPEATING = {
    ("snapshot", "element"), ("element", "type"), ("element", "constraint"),
    ("type", "profile"), ("type", "targetProfile"),
    ("compose", "include"), ("compose", "exclude"),
    ("include", "concept"), ("include", "filter"), ("include", "valueSet"),
    ("exclude", "concept"), ("exclude", "filter"), ("exclude", "valueSet"),
    ("CodeSystem", "concept"), ("concept", "concept"), ("concept", "property"),
}  # fmt: skip


def read_bundle(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the resources of a Bundle, each with its resourceType."""
    # The file is HL7's, from a pinned artifact.
    root = ElementTree.parse(file).getroot()  # noqa: S314
    for holder in root.iterfind(f"{_NAMESPACE}entry/{_NAMESPACE}resource"):
        (resource,) = holder
        yield {"resourceType": _name(resource), **_object(resource)}


def _object(node: ElementTree.Element) -> dict[str, Any]:
    members: dict[str, Any] = dict(node.attrib)
    for child in node:
        name, value = _name(child), _value(child)
        if name == "extension" or (_name(node), name) in _REPEATING:
            members.setdefault(name, []).append(value)
        else:
            members[name] = value
    return members


def _value(node: ElementTree.Element) -> Any:
    # A primitive's own extensions say nothing that the index needs.
    return node.attrib["value"] if "value" in node.attrib else _object(node)


def _name(node: ElementTree.Element) -> str:
    return node.tag.removeprefix(_NAMESPACE)
