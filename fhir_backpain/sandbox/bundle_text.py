"""Bundles as JSON text, put together from resources that are stored as text already."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fhir_backpain.fhir.json_text import dump


def write_bundle(head: dict[str, Any], entries: Iterable[str]) -> str:
    """Return the text of a Bundle with the elements of `head` and the given entry texts."""
    members = dump({"resourceType": "Bundle", **head})[1:-1]
    written = ",".join(entries)
    return f'{{{members},"entry":[{written}]}}' if written else f"{{{members}}}"


def write_entry(full_url: str | None, content: str | None, **rest: dict[str, Any]) -> str:
    """Return the text of a Bundle.entry around the text of a resource."""
    parts = []
    if full_url is not None:
        parts.append(f'"fullUrl":{dump(full_url)}')
    if content is not None:
        parts.append(f'"resource":{content}')
    parts += [f'"{name}":{dump(value)}' for name, value in rest.items()]
    return "{" + ",".join(parts) + "}"
