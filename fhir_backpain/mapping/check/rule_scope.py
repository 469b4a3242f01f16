"""The scope in which a rule's template is read."""

from __future__ import annotations

from fhir_backpain.mapping.check.certainty import inside_each
from fhir_backpain.mapping.check.facts import facts_of
from fhir_backpain.mapping.codegen import root_scope
from fhir_backpain.mapping.declaration import Declaration
from fhir_backpain.mapping.scope import Scope
from fhir_backpain.mapping.source_shape import ListShape, ObjectShape
from fhir_backpain.mapping.template import Each


def repeated_scope(declaration: Declaration, shape: ObjectShape) -> Scope:
    """Return the scope inside the rule's repetition."""
    scope = root_scope(shape)
    if declaration.repetition:
        path, name = declaration.repetition
        reach = scope.find(path, declaration.location)
        if isinstance(reach.shape, ListShape):
            scope = inside_each(Each(path, name, declaration.template, declaration.location), scope)
    return scope


def rule_scope(declaration: Declaration, shape: ObjectShape) -> Scope:
    """Return the scope of the template: inside the repetition, where the condition holds."""
    scope = repeated_scope(declaration, shape)
    if declaration.condition:
        scope = scope.with_facts(facts_of(declaration.condition, scope, declaration.location))
    return scope
