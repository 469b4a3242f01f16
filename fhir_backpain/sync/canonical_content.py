"""Is what the server holds what was sent? Compared without what servers add by themselves."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

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
    return bool(_without_server_meta(mine) == _without_server_meta(theirs))


def _without_server_meta(resource: dict[str, Any]) -> dict[str, Any]:
    meta = resource.get("meta")
    rest = {name: value for name, value in resource.items() if name != "meta"}
    if isinstance(meta, dict):
        kept = {name: value for name, value in meta.items() if name not in _SERVER_META}
        if kept:
            rest["meta"] = kept
    return rest
