"""The faults of the soak, as rules of the sandbox's fault plan."""

from __future__ import annotations

from typing import Any

_BUNDLES = {"method": "POST", "path": "^/fhir/?$"}
_ACTIONS: tuple[dict[str, Any], ...] = (
    {"kind": "drop-before"},
    {"kind": "drop-after"},
    {"kind": "truncate", "bytes": 40},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "0"}},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 502, "apply": True},
    {"kind": "status", "status": 503, "headers": {"Retry-After": "1"}},
    {"kind": "status", "status": 200, "body": "<html></html>", "apply": True},
    {"kind": "omit-entries", "indexes": [0, 7]},
    {"kind": "reverse-entries"},
)


def fault_rules(share: float, seed: int) -> list[dict[str, Any]]:
    """Return rules, all equally likely, that make about a `share` of the Bundles go wrong."""
    each = share / len(_ACTIONS)
    return [
        {"match": {**_BUNDLES, "probability": each, "seed": seed + number}, "action": action}
        for number, action in enumerate(_ACTIONS)
    ]
