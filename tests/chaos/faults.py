"""How the server goes wrong: some requests of a hundred, by chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from fhir_backpain.sandbox.faults import FaultRule

_BUNDLE = {"method": "POST", "path": "^/fhir/?$"}


class Fault(NamedTuple):
    """A kind of fault and the share of requests that it meets."""

    kind: str
    share: float
    settings: Mapping[str, Any] = MappingProxyType({})
    match: Mapping[str, Any] = MappingProxyType({})


FIVE_PERCENT = (
    Fault("drop-before", 0.008),
    Fault("drop-after", 0.010),
    Fault("status", 0.004, {"status": 500}),
    Fault("status", 0.004, {"status": 502, "apply": True, "body": "<html>Bad gateway</html>"}),
    Fault("status", 0.003, {"status": 200, "apply": True, "body": "<html>Welcome</html>"}),
    Fault("status", 0.005, {"status": 503, "headers": {"Retry-After": "1"}}),
    Fault("status", 0.002, {"status": 503}),
    Fault("truncate", 0.007, {"bytes": 40}),
    Fault("delay", 0.007, {"seconds": 0.3}),
)
"""Five requests of a hundred."""

LOST_ANSWERS = (
    Fault("drop-after", 0.25, match=_BUNDLE),
    Fault("drop-before", 0.05, match=_BUNDLE),
)
BUSY_SERVER = (
    Fault("status", 0.25, {"status": 503}, _BUNDLE),
    Fault("drop-before", 0.05, match=_BUNDLE),
)
REFUSED_ENTRIES = (
    Fault("entry", 0.3, {"index": 0, "status": 503}, _BUNDLE),
    Fault("omit-entries", 0.1, {"indexes": [1]}, _BUNDLE),
)


def rules(faults: Iterable[Fault], seed: int) -> list[FaultRule]:
    """Return the rules of a server, whose chances follow from a seed."""
    return [
        FaultRule(one.kind, one.settings, probability=one.share, seed=seed + number, **one.match)
        for number, one in enumerate(faults)
    ]
