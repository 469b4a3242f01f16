"""One version of a resource, as a history or a search tells of it.

FHIR: Bundle.entry of a history, http://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from fhir_backpain.client.reply import parse_etag
from fhir_backpain.fhir import meta
from fhir_backpain.fhir.json_text import dump
from fhir_backpain.pull.instant import Instant, instant_of

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """A version: relative URL, version id, when the server wrote it, and what it says.

    `instant` is 0 where the server does not say when; `resource` is None where it was deleted.
    """

    url: str
    version: str
    instant: Instant
    resource: Resource | None

    @property
    def type(self) -> str:
        """The resource type."""
        return self.url.partition("/")[0]


def change_of(entry: dict[str, Any]) -> Change | None:
    """Return the change that an entry of a Bundle tells of, None where it names no version."""
    resource = entry.get("resource")
    if isinstance(resource, dict):
        return _written(resource)
    request, response = _object(entry, "request"), _object(entry, "response")
    path = _path_of(request.get("url")) or _path_of(entry.get("fullUrl"))
    if request.get("method") != "DELETE" or path is None:
        return None
    url, named = path
    at = response.get("lastModified")
    version = parse_etag(response.get("etag")) or named or f"deleted {at}"
    return Change(url, version, instant_of(at) or 0, None)


def version_of(resource: Resource) -> str:
    """Return meta.versionId; where the server gives none, a word that changes with the content."""
    version = meta.version_of(resource)
    return version or sha256(dump(resource, sort_keys=True).encode()).hexdigest()[:32]


def url_of(resource: Resource) -> str | None:
    """Return the relative URL of a resource, None where it names no type or id."""
    kind, name = resource.get("resourceType"), resource.get("id")
    return f"{kind}/{name}" if isinstance(kind, str) and isinstance(name, str) else None


def relative(reference: Any) -> str | None:
    """Return ``Type/id`` of a literal reference, which may be absolute or name a version.

    >>> relative("https://fhir.example.org/r4/Patient/a/_history/2")
    'Patient/a'
    """
    path = _path_of(reference)
    return path[0] if path else None


def _written(resource: Resource) -> Change | None:
    url = url_of(resource)
    if url is None:
        return None
    instant = instant_of(meta.meta_of(resource).get("lastUpdated"))
    return Change(url, version_of(resource), instant or 0, resource)


def _path_of(text: Any) -> tuple[str, str | None] | None:
    """Return (``Type/id``, version) of a URL of a resource or of its version."""
    if not isinstance(text, str):
        return None
    head, _, version = text.partition("/_history/")
    parts = head.rstrip("/").split("/")
    if len(parts) < 2 or not parts[-1] or not parts[-2].isalpha():
        return None
    return "/".join(parts[-2:]), version or None


def _object(owner: dict[str, Any], name: str) -> dict[str, Any]:
    value = owner.get(name)
    return value if isinstance(value, dict) else {}
