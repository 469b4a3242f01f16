"""A successful answer of a FHIR server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhir_backpain.fhir.meta import version_of

_ETAG = re.compile(r'(?:W/)?"([A-Za-z0-9\-.]{1,64})"')


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers and the resource, where one came. Numbers in it are int or Decimal."""

    status: int
    headers: Mapping[str, str]
    resource: dict[str, Any] | None
    retry_after: float | None = None

    @property
    def version_id(self) -> str | None:
        """The version that the ETag or the resource names."""
        named = parse_etag(self.headers.get("ETag"))
        if named is None and self.resource is not None:
            return version_of(self.resource)
        return named


def parse_etag(value: Any) -> str | None:
    """Return the version id in an ETag, or None.

    >>> parse_etag('W/"3"')
    '3'
    """
    found = _ETAG.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found else None
