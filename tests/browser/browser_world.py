"""The site that a browser visits, and how people sign in there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

from fhir_backpain.outbox.sqlite import SqliteStore

PASSWORD = "correct horse battery"


class Site:
    """The gateway's address, its outbox and the records in it."""

    def __init__(self, url: str, store: SqliteStore, records: list[dict[str, Any]]) -> None:
        self.url = url
        self.store = store
        self.records = records


def wait_until(reached: Callable[[], bool]) -> None:
    """Wait for a state of affairs."""
    until = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.1)


def sign_in(page: Page, site: Site, name: str = "ada") -> None:
    page.goto(f"{site.url}/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").press("Enter")
    page.get_by_role("heading", name="Flow").wait_for()
