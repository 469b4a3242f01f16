"""How a resource of ours is found on a server that gives it an id of its own.

By its first business identifier; what has none bears a tag with our id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from fhir_backpain.fhir.meta import ID_TAG, meta_of, tags_of, with_meta


@dataclass(frozen=True, slots=True)
class IdentityQuery:
    """A token that one resource alone bears."""

    parameter: Literal["identifier", "_tag"]
    system: str
    value: str

    @property
    def criterion(self) -> tuple[str, str]:
        """The search parameter and its value.

        FHIR: http://hl7.org/fhir/R4/search.html#token, and #escaping for what is escaped
        >>> IdentityQuery("identifier", "urn:x", "a,b").criterion
        ('identifier', 'urn:x|a\\\\,b')
        """
        return self.parameter, f"{_escaped(self.system)}|{_escaped(self.value)}"

    @property
    def text(self) -> str:
        """The query as it stands in a URL or in If-None-Exist."""
        return urlencode([self.criterion])

    def fits(self, resource: dict[str, Any]) -> bool:
        """True where a resource bears the token."""
        wanted = (self.system, self.value)
        if self.parameter == "_tag":
            return any((tag.get("system"), tag.get("code")) == wanted for tag in tags_of(resource))
        return any(
            (one.get("system"), one.get("value")) == wanted
            for one in _elements(resource.get("identifier"))
        )


def identity_of(resource: dict[str, Any]) -> IdentityQuery:
    """Return how a resource of ours is found."""
    for one in _elements(resource.get("identifier")):
        system, value = one.get("system"), one.get("value")
        if isinstance(system, str) and isinstance(value, str):
            return IdentityQuery("identifier", system, value)
    return IdentityQuery("_tag", ID_TAG, str(resource["id"]))


def tagged(resource: dict[str, Any]) -> dict[str, Any]:
    """Return the resource so that its identity query finds it."""
    query = identity_of(resource)
    if query.parameter != "_tag" or query.fits(resource):
        return resource
    meta = meta_of(resource)
    tag = [*meta.get("tag", []), {"system": query.system, "code": query.value}]
    return with_meta(resource, {**meta, "tag": tag})


def _elements(value: Any) -> Iterator[dict[str, Any]]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            yield item


def _escaped(text: str) -> str:
    return re.sub(r"([\\,$|])", r"\\\1", text)
