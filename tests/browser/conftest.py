"""A real browser in front of a real gateway that sends to a sandbox."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_world import PASSWORD, Site, wait_until
from playwright.sync_api import Browser, Page, sync_playwright

from fhir_backpain.access.keyring import Keyring
from fhir_backpain.access.oidc import OidcSettings
from fhir_backpain.clinic.clinic import Clinic
from fhir_backpain.gateway.app import create_app
from fhir_backpain.gateway.contact import Contact, watched_client
from fhir_backpain.gateway.messages import BAD_REQUEST
from fhir_backpain.gateway.runner import Gateway
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import SourceRecord
from fhir_backpain.sandbox.server import SandboxServer
from fhir_backpain.web.listener import HttpListener, http_url, listen
from tests.identity_provider import CLIENT, SECRET, IdentityProvider

# Kept after the run; git passes over the folder.
_ARTIFACTS = Path(__file__).parents[2] / "test-artifacts"
SHOTS = Path(os.environ.get("FHIR_BACKPAIN_TEST_ARTIFACTS", _ARTIFACTS)) / "screenshots"
_OFFLINE = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(_OFFLINE))
        yield started
        started.close()


@pytest.fixture(scope="session")
def mapper() -> Mapper:
    return load_mapper()


@pytest.fixture(scope="session")
def idp() -> Iterator[IdentityProvider]:
    with IdentityProvider() as server:
        server.person = {"sub": "u-1", "preferred_username": "eve", "groups": ["ward"]}
        yield server


@pytest.fixture(scope="session")
def site(
    idp: IdentityProvider, mapper: Mapper, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Two patients' year, one record that the server refuses, and people who may sign in."""
    place = tmp_path_factory.mktemp("site") / "outbox.sqlite"
    records = list(Clinic(seed=7, patients=2, start=date(2024, 1, 8)).records())
    contact = Contact()
    with (
        SandboxServer() as server,
        SqliteStore(place) as store,
        watched_client(server.base_url, contact, deadline=20) as client,
    ):
        gateway = Gateway(store, mapper, client, contact=contact, poll_seconds=0.1)
        keyring = Keyring(store.database)
        keyring.add_person("ada", "operator", PASSWORD)
        keyring.add_person("bob", "reader", PASSWORD)
        store.append(
            (
                SourceRecord(one, SourceLocation("year.ndjson", n))
                for n, one in enumerate(records, 1)
            ),
            server.base_url,
            mapper.version,
        )
        oidc = OidcSettings(idp.root, CLIENT, {"ward": "reader"}, client_secret=SECRET)
        settings = GatewaySettings(server.base_url, place, oidc=oidc)
        app = create_app(settings, store=store, mapper=mapper, gateway=gateway)
        socket = listen("127.0.0.1", 0, BAD_REQUEST)
        url = http_url("127.0.0.1", socket.getsockname()[1])
        http = HttpListener(
            app, socket, lambda _: BAD_REQUEST.issue("no HTTP"), ident="t", threads=4,
            max_body=8_000_000,
        )  # fmt: skip
        gateway.start()
        http.start()
        wait_until(lambda: store.counts()["queued"] == 0)
        try:
            yield Site(url, store, records)
        finally:
            http.stop(2)
            gateway.stop()


@pytest.fixture(params=["light", "dark"])
def page(
    browser: Browser, request: pytest.FixtureRequest, site: Site, idp: IdentityProvider
) -> Iterator[Page]:
    """A page in light or dark; it fails the test where a script, the policy or a file does."""
    context = browser.new_context(
        color_scheme=request.param, viewport={"width": 1200, "height": 900}
    )
    opened = context.new_page()
    troubles: list[str] = []
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on(
        "console",
        lambda message: troubles.append(message.text) if message.type == "error" else None,
    )
    opened.on(
        "request",
        lambda one: (
            None
            if one.url.startswith((site.url, f"{idp.root}/authorize", "data:"))
            else troubles.append(f"another host is asked: {one.url}")
        ),
    )
    yield opened
    context.close()
    expected = getattr(opened, "expected_troubles", 0)
    assert len(troubles) <= expected, troubles


@pytest.fixture
def look(page: Page, request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Keep a screenshot of the page, and hold it against the rules for accessible pages."""

    def keep(name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        scheme = request.node.callspec.params["page"]
        page.screenshot(path=SHOTS / f"{name}-{scheme}.png", full_page=True)
        found = Axe().run(page).response["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        assert serious == [], [(one["id"], one["nodes"][0]["html"]) for one in serious]

    return keep
