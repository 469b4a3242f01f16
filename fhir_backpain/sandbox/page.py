"""Which slice of a search or history a link asks for, written into the link itself.

The link of a further page holds the search and the instant that it looks at: all pages show the
same state however much is written meanwhile, and a link survives a restart of the server.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from fhir_backpain.sandbox.exchange import Parameters
from fhir_backpain.sandbox.interaction_error import InteractionError
from fhir_backpain.sandbox.messages import INVALID_PAGE, INVALID_PARAMETER

PAGE_PARAMETER = "_page"
DEFAULT_COUNT = 50
MAX_COUNT = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """The parameters of the first request, the instant it looked at and how many to skip."""

    parameters: Parameters
    as_of: int
    offset: int = 0

    def after(self, count: int) -> Page:
        """Return the page that begins `count` matches further on."""
        return Page(self.parameters, self.as_of, self.offset + count)

    def link(self, url: str) -> str:
        """Return the link of this page below `url`."""
        text = json.dumps([self.parameters, self.as_of, self.offset], separators=(",", ":"))
        token = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        return f"{url}?{PAGE_PARAMETER}={token}"


def read_page(token: str) -> Page:
    """Return the page that a link's token names; InteractionError 400 for any other text."""
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        parameters, as_of, offset = json.loads(text)
        page = Page(tuple((name, value) for name, value in parameters), as_of, offset)
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise _invalid() from error
    if not _is_sound(page):
        raise _invalid()
    return page


def read_count(value: str) -> int:
    """Return _count, at most 1000."""
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        text = "Search parameter _count: the value is not a whole number."
        raise InteractionError.of(400, INVALID_PARAMETER, text)
    return min(int(value), MAX_COUNT)


def link_url(url: str, parameters: Iterable[tuple[str, str]]) -> str:
    """Return `url` with parameters, those characters kept readable that a query allows."""
    query = urlencode(list(parameters), quote_via=quote, safe="/:,")
    return f"{url}?{query}" if query else url


def page_links(self_url: str, next_url: str | None) -> list[dict[str, Any]]:
    """Return Bundle.link with self, and next where there is more."""
    links = [{"relation": "self", "url": self_url}]
    return links if next_url is None else [*links, {"relation": "next", "url": next_url}]


def _invalid() -> InteractionError:
    text = f"The parameter {PAGE_PARAMETER} was not made by this server."
    return InteractionError.of(400, INVALID_PAGE, text)


def _is_sound(page: Page) -> bool:
    numbers = (page.as_of, page.offset)
    if not all(type(number) is int and 0 <= number < 2**62 for number in numbers):
        return False
    return all(isinstance(text, str) for pair in page.parameters for text in pair)
