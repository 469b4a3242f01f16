"""The references inside a resource: found, rewritten and checked.

FHIR: http://hl7.org/fhir/R4/references.html, http://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from fhir_backpain.sandbox.interaction_error import InteractionError
from fhir_backpain.sandbox.messages import DANGLING_REFERENCE
from fhir_backpain.sandbox.search_index import parse_reference

Rewrite = Callable[[str], str]

# Elements of type uri, url and canonical that may name another entry of a transaction. An
# Identifier.value may look the same, yet is a string and stays as it is.
_LINK_ELEMENTS = frozenset(
    (
        "reference", "valueUri", "valueUrl", "valueCanonical", "instantiatesCanonical",
        "instantiatesUri", "questionnaire", "url", "policy",
    )
)  # fmt: skip
_NARRATIVE_LINK = re.compile(r"""(?P<head>\b(?:href|src)=(["']))(?P<url>[^"']+)(?=\2)""")
_CONDITIONAL = re.compile(r"(?P<type>[A-Z][A-Za-z]+)\?(?P<query>.+)", re.DOTALL)


def references_in(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield (FHIRPath, text) for each Reference.reference below `node`."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from references_in(item, f"{path}[{index}]")
    elif isinstance(node, dict):
        for name, item in node.items():
            if name == "reference" and isinstance(item, str):
                yield f"{path}.reference", item
            else:
                yield from references_in(item, f"{path}.{name}")


def rewrite_links(node: Any, rewrite: Rewrite) -> Any:
    """Return a copy of `node` with each link to another resource passed through `rewrite`."""
    if isinstance(node, list):
        return [rewrite_links(item, rewrite) for item in node]
    if not isinstance(node, dict):
        return node
    return {name: _rewrite_element(name, item, rewrite) for name, item in node.items()}


def conditional_criteria(text: str) -> tuple[str, str] | None:
    """Return (type, query) of a conditional reference, None where it is none."""
    match = _CONDITIONAL.fullmatch(text)
    return (match["type"], match["query"]) if match else None


def check_references(
    resource: dict[str, Any], base: str, exists: Callable[[str, str], bool]
) -> None:
    """Raise InteractionError 400 naming each literal reference of this server that leads nowhere.

    Fragments, URLs elsewhere and urn: references are not looked at.
    """
    issues = []
    for path, text in references_in(resource, resource["resourceType"]):
        target = parse_reference(text, base)
        if target is None or target.url:
            continue
        own = (target.type, target.id) == (resource["resourceType"], resource.get("id"))
        if not own and not exists(target.type, target.id):
            told = f"{path} refers to {target.type}/{target.id}, which is not on the server."
            issues.append(DANGLING_REFERENCE.issue(told, expression=path))
    if issues:
        raise InteractionError(400, issues)


def _rewrite_element(name: str, item: Any, rewrite: Rewrite) -> Any:
    if name in _LINK_ELEMENTS and isinstance(item, str):
        return rewrite(item)
    if name in _LINK_ELEMENTS and isinstance(item, list):
        return [
            rewrite(one) if isinstance(one, str) else rewrite_links(one, rewrite) for one in item
        ]
    if name == "div" and isinstance(item, str):
        return _NARRATIVE_LINK.sub(lambda match: match["head"] + rewrite(match["url"]), item)
    return rewrite_links(item, rewrite)
