"""A JSON Schema for each resource type, from the definitions that the product ships.

HL7's own fhir.schema.json has one schema for all types, which is slower and allows more; this one
has the members, cardinality, primitive forms and required codes of one type.
"""

from __future__ import annotations

from typing import Any

from fhir_backpain.definitions.definitions import Definitions, load_definitions
from fhir_backpain.definitions.element import ElementDefinition

_WHOLE = ("integer", "positiveInt", "unsignedInt")


def schema_of(resource_type: str) -> dict[str, Any]:
    """Return the schema of a resource type of R4, draft 7."""
    writer = _Writer(load_definitions("R4"))
    writer.add(resource_type)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$ref": f"#/definitions/{resource_type}",
        "definitions": writer.found,
    }


class _Writer:
    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self.found: dict[str, Any] = {}

    def add(self, content: str) -> None:
        """Add the schema of a type, or of an element with members, and of all within."""
        if content in self.found:
            return
        self.found[content] = {}  # types hold each other
        if self._definitions.primitive(content):
            self.found[content] = self._primitive(content)
        else:
            self.found[content] = self._object(content)

    def _primitive(self, name: str) -> dict[str, Any]:
        primitive = self._definitions.primitive(name)
        assert primitive is not None
        if primitive.json_kind != "string":
            return {"type": "integer" if name in _WHOLE else primitive.json_kind}
        pattern = {"pattern": f"^(?:{primitive.regex})$"} if primitive.regex else {}
        return {"type": "string", **pattern}

    def _object(self, content: str) -> dict[str, Any]:
        members = self._definitions.children(content)
        properties: dict[str, Any] = {}
        required: list[str] = []
        if self._definitions.resource(content):
            properties["resourceType"] = {"const": content}
            required.append("resourceType")
        for name, element in members.items():
            properties[name] = _many(self._item(element), element)
            primitive = self._definitions.primitive(element.type)
            if primitive and element.type != "xhtml":
                self.add("Element")
                beside = {"anyOf": [{"type": "null"}, {"$ref": "#/definitions/Element"}]}
                properties[f"_{name}"] = _many(beside, element)
            elif element.min:
                required.append(name)
        return {"type": "object", "properties": properties, "required": required,
                "additionalProperties": False}  # fmt: skip

    def _item(self, element: ElementDefinition) -> dict[str, Any]:
        if element.type == "Resource":
            return {"type": "object"}
        binding = element.binding
        if element.type == "code" and binding and binding.strength == "required" and binding.codes:
            return {"enum": [code.code for code in binding.codes]}
        self.add(element.content)
        return {"$ref": f"#/definitions/{element.content}"}


def _many(item: dict[str, Any], element: ElementDefinition) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": item} if element.is_list else item
