"""Bundles page by page: the next link is followed on the server's own origin, never in a circle.

FHIR: http://hl7.org/fhir/R4/http.html#paging
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urldefrag, urljoin

from fhir_backpain.client.base_url import origin
from fhir_backpain.client.messages import INCOMPLETE
from fhir_backpain.client.reply import Reply
from fhir_backpain.errors import PermanentRemoteError, RemoteError, TransientRemoteError
from fhir_backpain.outcome import Issue


def entries_of_pages(
    first: Reply, follow: Callable[[str], Reply], base_url: str, max_pages: int
) -> Iterator[dict[str, Any]]:
    """Yield the entries of a Bundle and of all pages behind it.

    Raises RemoteError with the message INCOMPLETE where a page is no Bundle, the next link leads
    to another origin or in a circle, a page cannot be had or there are more than `max_pages`.
    """
    reply, seen = first, set[str]()
    while True:
        bundle = reply.resource or {}
        if bundle.get("resourceType") != "Bundle":
            raise _incomplete("a page is not a Bundle")
        yield from _entries(bundle)
        link = _next_link(bundle)
        if link is None:
            return
        url = _checked(link, base_url)
        if url in seen:
            raise _incomplete("the next link leads in a circle")
        seen.add(url)
        if len(seen) >= max_pages:
            raise _incomplete(f"there are more than {max_pages} pages")
        reply = _followed(follow, url)


def _entries(bundle: dict[str, Any]) -> Iterator[dict[str, Any]]:
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or not all(isinstance(item, dict) for item in entries):
        raise _incomplete("a page has entries that cannot be read")
    yield from entries


def _next_link(bundle: dict[str, Any]) -> str | None:
    links = bundle.get("link")
    found = [
        link.get("url")
        for link in (links if isinstance(links, list) else [])
        if isinstance(link, dict) and link.get("relation") == "next"
    ]
    if not found:
        return None
    if len(found) > 1 or not isinstance(found[0], str):
        raise _incomplete("the next link cannot be read")
    return found[0]


def _checked(link: str, base_url: str) -> str:
    try:
        url = urldefrag(urljoin(f"{base_url}/", link)).url
        same = origin(url) == origin(base_url)
    except ValueError as error:
        raise _incomplete("the next link is no http or https URL") from error
    if not same:
        raise _incomplete("the next link leads to another host, port or scheme")
    return url


def _followed(follow: Callable[[str], Reply], url: str) -> Reply:
    try:
        return follow(url)
    except RemoteError as error:
        issues: list[Issue] = [INCOMPLETE.issue("A further page could not be read.")]
        kind = type(error) if isinstance(error, TransientRemoteError) else PermanentRemoteError
        raise kind(
            issues + list(error.issues), status=error.status, retry_after=error.retry_after
        ) from error


def _incomplete(why: str) -> PermanentRemoteError:
    return PermanentRemoteError(INCOMPLETE.issue(f"The pages cannot be read on: {why}."))
