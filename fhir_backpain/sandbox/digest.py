"""What tells whether a client has sent the same content again."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from fhir_backpain.fhir.json_text import dump
from fhir_backpain.fhir.meta import OF_THE_SERVER, without_meta


def content_digest(resource: dict[str, Any]) -> bytes:
    """Return the digest of what a client sent: all but the id, version and time of the server.

    The order of the elements does not count, each digit of a number does.
    """
    content = without_meta(resource, OF_THE_SERVER)
    content.pop("id", None)
    return sha256(dump(content, sort_keys=True).encode()).digest()
