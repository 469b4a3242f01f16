"""Is what the server holds what was sent? Compared without what servers add by themselves."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from fhir_backpain.fhir.meta import without_meta

# FHIR: Meta elements that the server sets, http://hl7.org/fhir/R4/resource.html#Meta
_SERVER_META = ("versionId", "lastUpdated", "source")


def is_same_content(sent: str, held: dict[str, Any]) -> bool:
    """True where the resource `held` says what the JSON text `sent` says.

    The version, time and source that the server noted in meta do not count, nor a narrative
    that the server made because none was sent.
    """
    mine = json.loads(sent, parse_float=Decimal)
    theirs = dict(held)
    if "text" not in mine:
        theirs.pop("text", None)
    return bool(without_server_meta(mine) == without_server_meta(theirs))


def without_server_meta(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a copy without what the server noted in meta."""
    return without_meta(resource, _SERVER_META)


def with_own_source(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a copy to be written again: meta says where the content came from, as it did first.

    HAPI appends ``#`` and the id of the request that wrote the resource to meta.source.
    """
    copy = without_server_meta(resource)
    meta = resource.get("meta")
    source = meta.get("source") if isinstance(meta, dict) else None
    own = source.partition("#")[0] if isinstance(source, str) else ""
    if own:
        copy["meta"] = {"source": own, **copy.get("meta", {})}
    return copy


def version_of(resource: dict[str, Any]) -> str | None:
    """Return the version that the server noted in meta, None where it noted none."""
    meta = resource.get("meta")
    version = meta.get("versionId") if isinstance(meta, dict) else None
    return version if isinstance(version, str) else None
