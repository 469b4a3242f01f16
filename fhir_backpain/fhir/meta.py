"""Resource.meta, which clients and servers both write: what is whose there.

FHIR: http://hl7.org/fhir/R4/resource.html#Meta
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from fhir_backpain.fhir.canonical import BASE

ID_TAG = f"{BASE}/id"
"""The system of the tag that carries our id on servers that give ids of their own."""

OF_THE_SERVER = ("versionId", "lastUpdated")
"""The elements of meta that a server sets, whatever a client writes there."""


def meta_of(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return meta; an empty object where the resource has none.

    >>> meta_of({"id": "a"})
    {}
    """
    meta = resource.get("meta")
    return meta if isinstance(meta, dict) else {}


def version_of(resource: Mapping[str, Any]) -> str | None:
    """Return the version that the server noted, None where it noted none."""
    version = meta_of(resource).get("versionId")
    return version if isinstance(version, str) else None


def tags_of(resource: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the tags."""
    tags = meta_of(resource).get("tag")
    for tag in tags if isinstance(tags, list) else ():
        if isinstance(tag, dict):
            yield tag


def tagged_id(resource: Mapping[str, Any]) -> str | None:
    """Return our id, where a tag carries it."""
    codes = (tag.get("code") for tag in tags_of(resource) if tag.get("system") == ID_TAG)
    return next((code for code in codes if isinstance(code, str)), None)


def without_id_tag(resource: dict[str, Any]) -> dict[str, Any]:
    """Return the resource without the tag that carries our id."""
    kept = [tag for tag in tags_of(resource) if tag.get("system") != ID_TAG]
    bare = without_meta(resource, ("tag",))
    return with_meta(bare, {**meta_of(bare), "tag": kept}) if kept else bare


def with_own_source(resource: dict[str, Any]) -> dict[str, Any]:
    """Return the resource with meta.source as the client said it.

    HAPI appends ``#`` and the id of the request that wrote the resource; where no source was
    sent, it notes that alone.
    >>> with_own_source({"meta": {"source": "https://clinic.example#Zb1"}})
    {'meta': {'source': 'https://clinic.example'}}
    """
    source = meta_of(resource).get("source")
    own = source.partition("#")[0] if isinstance(source, str) else ""
    bare = without_meta(resource, ("source",))
    return with_meta(bare, {"source": own, **meta_of(bare)}) if own else bare


def without_meta(resource: dict[str, Any], elements: Container[str]) -> dict[str, Any]:
    """Return the resource without those elements of meta, and without a meta that is empty then.

    >>> without_meta({"id": "a", "meta": {"versionId": "1"}}, ["versionId"])
    {'id': 'a'}
    """
    kept = {name: value for name, value in meta_of(resource).items() if name not in elements}
    return with_meta(resource, kept)


def with_meta(resource: Mapping[str, Any], meta: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resource with another meta, with none where that is empty.

    >>> with_meta({"id": "a", "meta": {"versionId": "1"}}, {})
    {'id': 'a'}
    """
    rest = {name: value for name, value in resource.items() if name != "meta"}
    return {**rest, "meta": dict(meta)} if meta else rest
