"""What tells whether a client has sent the same content again."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from fhir_backpain.fhir.json_text import dump

_OF_THE_SERVER = ("versionId", "lastUpdated")


def content_digest(resource: dict[str, Any]) -> bytes:
    """Return the digest of what a client sent: all but the id, version and time of the server.

    The order of the elements does not count, each digit of a number does.
    """
    meta = resource.get("meta", {})
    meta = {name: value for name, value in meta.items() if name not in _OF_THE_SERVER}
    content = {name: value for name, value in resource.items() if name not in ("id", "meta")}
    if meta:
        content["meta"] = meta
    return sha256(dump(content, sort_keys=True).encode()).digest()
