"""Subscriptions at a real sandbox, and the listener that they name, called over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests

from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import SettingsError
from fhir_backpain.pull.doorbell import Doorbell
from fhir_backpain.pull.subscription import LIFETIME, Callback, Subscriptions, ensure_callback
from fhir_backpain.sandbox.server import SandboxServer

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CALLBACK = Callback("http://127.0.0.1:8490/changed", "s3cret")


@pytest.fixture
def client(server: SandboxServer) -> Iterator[FhirClient]:
    with FhirClient(server.base_url) as opened:
        yield opened


class Rung:
    """Counts, and can be waited for."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
def rung() -> Rung:
    return Rung()


@pytest.fixture
def bell(rung: Rung) -> Iterator[str]:
    with Doorbell("127.0.0.1", 0, CALLBACK, rung) as doorbell:
        yield f"http://127.0.0.1:{doorbell.port}"


def call(url: str, secret: str = "s3cret", method: str = "POST", body: bytes = b"") -> int:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return requests.request(method, url, headers=headers, data=body, timeout=10).status_code


@pytest.mark.parametrize(
    ("path", "method"), [("/changed", "POST"), ("/changed", "PUT"), ("/changed/Patient/1", "PUT")]
)
def test_a_proven_call_rings(bell: str, rung: Rung, path: str, method: str) -> None:
    assert call(bell + path, method=method, body=b"whatever") == 204
    assert rung.times == 1


@pytest.mark.parametrize(
    ("path", "secret", "method", "status"),
    [
        ("/changed", "", "POST", 401),
        ("/changed", "other", "POST", 401),
        ("/changed", "s3crét", "POST", 401),
        ("/", "s3cret", "POST", 404),
        ("/changed", "s3cret", "GET", 405),
    ],
)
def test_any_other_call_does_not(
    bell: str, rung: Rung, path: str, secret: str, method: str, status: int
) -> None:
    assert call(bell + path, secret.encode().decode("latin-1"), method) == status
    assert rung.times == 0


def test_a_body_without_end_is_refused(bell: str, rung: Rung) -> None:
    assert call(bell + "/changed", body=b"x" * 2_000_000) == 413
    assert rung.times == 0


def test_a_server_that_offers_none_is_told_of_once(client: FhirClient) -> None:
    subscriptions = Subscriptions(client, ["Patient"], CALLBACK)
    (told,) = subscriptions.keep(NOW)
    assert (told.number, told.severity) == (6119, "warning")
    assert subscriptions.keep(NOW + LIFETIME / 2) == []
    subscriptions.end()


def test_a_server_that_cannot_be_asked_is_asked_again_soon() -> None:
    with FhirClient("http://127.0.0.1:9/fhir") as client:
        subscriptions = Subscriptions(client, ["Patient"], CALLBACK)
        assert subscriptions.due_in(NOW) == 0
        assert subscriptions.keep(NOW)[0].number == 6119
        assert subscriptions.due_in(NOW) == 60
        assert subscriptions.keep(NOW + timedelta(seconds=30)) == []
        assert subscriptions.keep(NOW + timedelta(minutes=1))[0].number == 6119


def test_the_secret_is_not_shown() -> None:
    assert "s3cret" not in repr(CALLBACK)


@pytest.mark.parametrize(
    "url", ["ftp://x/y", "http://", "changed", "http://u:p@x/y", "http://x/y?z=1", "https://x/#y"]
)
def test_a_url_that_no_server_can_call_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="FBP-6119"):
        ensure_callback(url)


def test_a_port_that_is_taken_is_told(rung: Rung) -> None:
    with Doorbell("127.0.0.1", 0, CALLBACK, rung) as doorbell:
        with pytest.raises(SettingsError, match="FBP-6120"):
            Doorbell("127.0.0.1", doorbell.port, CALLBACK, rung)
        assert threading.active_count() > 1
