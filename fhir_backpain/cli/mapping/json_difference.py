"""How JSON data differ from what was expected, as lines that begin with a FHIRPath."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from fhir_backpain.cli.mapping.json_leaves import by_path, shown

_NOTHING = object()


def difference(expected: Any, actual: Any, path: str) -> Iterator[str]:
    """Yield a line for each leaf that differs: ``path: -expected +actual``.

    >>> list(difference({"code": "a"}, {"code": "b"}, "Observation"))
    ['Observation.code: -"a" +"b"']
    """
    before, after = dict(by_path(expected, path)), dict(by_path(actual, path))
    for place in dict.fromkeys([*before, *after]):
        minus, plus = before.get(place, _NOTHING), after.get(place, _NOTHING)
        if minus is _NOTHING or plus is _NOTHING or shown(minus) != shown(plus):
            yield f"{place}:{_signed('-', minus)}{_signed('+', plus)}"


def resource_difference(
    expected: list[dict[str, Any]], actual: list[dict[str, Any]]
) -> Iterator[str]:
    """Yield the lines in which lists of resources differ; those of one address are compared.

    What is left over is compared with what is left over of the same type, in order.
    """
    before, after = _by_address(expected), _by_address(actual)
    pairs = _pairs(before, after)
    kinds = Counter(_kind(old or new) for old, new in pairs)
    for old, new in pairs:
        kind = _kind(old or new)
        where = f" in {old or new}" if kinds[kind] > 1 else ""
        for line in difference(before.get(old or "", {}), after.get(new or "", {}), kind):
            # A resource that is not there at all has no leaf of its own.
            if not line.startswith(f"{kind}:"):
                yield f"{line}{where}"
    if all(old == new for old, new in pairs) and list(before) != list(after):
        yield "the same resources, in another order"


def _kind(url: str | None) -> str:
    return (url or "").partition("/")[0]


def _signed(sign: str, value: Any) -> str:
    return "" if value is _NOTHING else f" {sign}{shown(value)}"


def _by_address(resources: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {f"{item.get('resourceType')}/{item.get('id')}": item for item in resources}


def _pairs(
    before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]
) -> list[tuple[str | None, str | None]]:
    pairs: list[tuple[str | None, str | None]] = []
    new = [url for url in after if url not in before]
    for url in before:
        if url in after:
            pairs.append((url, url))
            continue
        partner = next((other for other in new if _kind(other) == _kind(url)), None)
        if partner is not None:
            new.remove(partner)
        pairs.append((url, partner))
    return [*pairs, *((None, url) for url in new)]
