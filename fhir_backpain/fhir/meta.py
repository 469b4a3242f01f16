"""Resource.meta, which clients and servers both write.

FHIR: http://hl7.org/fhir/R4/resource.html#Meta
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any


def without_meta(resource: dict[str, Any], elements: Container[str]) -> dict[str, Any]:
    """Return the resource without those elements of meta, and without a meta that is empty then.

    >>> without_meta({"id": "a", "meta": {"versionId": "1"}}, ["versionId"])
    {'id': 'a'}
    """
    rest = {name: value for name, value in resource.items() if name != "meta"}
    meta = resource.get("meta")
    if isinstance(meta, dict):
        kept = {name: value for name, value in meta.items() if name not in elements}
        if kept:
            rest["meta"] = kept
    return rest
