"""The rules of resource types and datatypes, as FHIR itself defines them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from fhir_backpain.definitions.definitions import Definitions, load_definitions
from fhir_backpain.definitions.element import Binding, ElementDefinition
from fhir_backpain.validation.resource.element import (
    Choice,
    Codes,
    Content,
    Member,
    required_names,
)
from fhir_backpain.validation.resource.invariant import Rule
from fhir_backpain.validation.resource.invariant_table import rules_of
from fhir_backpain.validation.resource.primitive import Refusal, absolute, refusal_of

# http://hl7.org/fhir/R4/datatypes.html#Identifier: the system of an identifier or code is absolute.
_ABSOLUTE = ("Coding.system", "Identifier.system")
ALL_TYPES = "http://hl7.org/fhir/ValueSet/resource-types"


class BaseRules:
    """The contents of one release, read when first asked for."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._contents: dict[str, Content] = {}
        self._codes: dict[str, Codes] = {}
        self.resource_types = self._resource_types()

    def resource(self, name: str) -> Content | None:
        """Return the rules of a resource type, or None where none of that name is defined here."""
        found = self._definitions.resource(name)
        return self.content(name) if found and not found.is_abstract else None

    def content(self, name: str) -> Content:
        """Return the rules of the objects that a type, or a path of one, stands for."""
        if name not in self._contents:
            self._contents[name] = self._read(name)
        return self._contents[name]

    def codes(self, value_set: str) -> Codes | None:
        """Return the codes of a value set that FHIR's required bindings use, or None."""
        if not self._codes:
            for name in self._definitions.type_names():
                self._read_codes(name)
        return self._codes.get(value_set)

    def _read_codes(self, path: str) -> None:
        for element in self._definitions.children(path).values():
            if element.binding and element.binding.codes is not None:
                self._codes.setdefault(element.binding.value_set, codes_of(element.binding))
            if element.content.startswith(path + "."):
                self._read_codes(element.content)

    def _resource_types(self) -> frozenset[str]:
        for element in self._definitions.children("Reference").values():
            if element.binding and element.binding.value_set == ALL_TYPES:
                return frozenset(code.code for code in element.binding.codes or ())
        return frozenset()

    def _read(self, name: str) -> Content:
        elements = self._definitions.children(name)
        members = {key: self._member(element) for key, element in elements.items()}
        found = {e.choice_of.path: e.choice_of for e in elements.values() if e.choice_of}
        choices = [
            Choice(path.rpartition(".")[2], choice.min, choice.names)
            for path, choice in found.items()
        ]
        is_resource = self._definitions.resource(name) is not None
        return Content(
            name, is_resource, members, tuple(choices), tuple(self._rules(name)),
            required_names(members),
        )  # fmt: skip

    def _member(self, element: ElementDefinition) -> Member:
        binding = element.binding
        required = binding is not None and binding.strength == "required"
        return Member(
            name=element.json_name,
            type=element.type,
            min=element.min,
            max=element.max,
            is_list=element.is_list,
            refuse=self._refusal(element),
            content=element.content,
            targets=element.targets if element.type == "Reference" else (),
            codes=codes_of(binding) if required and binding and binding.codes else None,
        )

    def _refusal(self, element: ElementDefinition) -> Refusal | None:
        refuse = refusal_of(self._definitions, element.type)
        return absolute(refuse) if refuse and element.path in _ABSOLUTE else refuse

    def _rules(self, name: str) -> Iterator[Rule]:
        owner = name.partition(".")[0]
        found = self._definitions.resource(owner) or self._definitions.datatype(owner)
        if found is None:
            return
        constraints = [
            (rule.key, rule.severity, rule.human) for rule in found.invariants if rule.path == name
        ]
        yield from rules_of(constraints)


def codes_of(binding: Binding) -> Codes:
    """Return the codes that a binding lists."""
    listed = binding.codes or ()
    return Codes(
        binding.value_set,
        frozenset(code.code for code in listed),
        frozenset((code.system, code.code) for code in listed),
    )


@cache
def load_base_rules(release: str = "R4") -> BaseRules:
    """Return the rules of a release, made once."""
    return BaseRules(load_definitions(release))
