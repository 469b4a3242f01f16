"""What the server holds after the soak, against what it must hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

from bench.soak.feed import Expected
from fhir_backpain.client.client import FhirClient
from fhir_backpain.sync.bundle import write_reads
from fhir_backpain.sync.canonical_content import is_same_content
from fhir_backpain.sync.prepared import WRITTEN_TYPES

_PAGE = 200


def violations(client: FhirClient, expected: Mapping[str, Expected]) -> Counter[str]:
    """Return how many resources are lost, wrong, doubled or written again, each by that name.

    Doubled is what the server has of a type beyond what is expected; written again is what has
    more versions than what the records say of it ever changed.
    """
    found: Counter[str] = Counter(lost=0, wrong=0, doubled=0, rewritten=0)
    for url, held in _held(client, expected):
        if held is None:
            found["lost"] += 1
            continue
        found["wrong"] += not is_same_content(expected[url].text, held)
        found["rewritten"] += int(held["meta"]["versionId"]) > expected[url].versions
    wanted = Counter(url.partition("/")[0] for url in expected)
    for kind in filter(partial(_is_searched, client), WRITTEN_TYPES):
        found["doubled"] += max(client.count(kind) - wanted[kind], 0)
    return found


def _is_searched(client: FhirClient, kind: str) -> bool:
    return client.capabilities().offers(kind, "search-type")


def _held(
    client: FhirClient, expected: Mapping[str, Expected]
) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Yield each expected URL and the resource there, None where there is none."""
    urls = iter(sorted(expected))
    while page := list(islice(urls, _PAGE)):
        answer = client.batch(write_reads(page), reads_only=True).resource or {}
        entries = answer["entry"]
        if len(entries) != len(page):
            raise RuntimeError(f"{len(page)} reads, {len(entries)} answers")
        for url, entry in zip(page, entries, strict=True):
            held = entry.get("resource") or {}
            yield url, held if f"{held.get('resourceType')}/{held.get('id')}" == url else None
