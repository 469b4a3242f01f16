"""The rows of the fault matrix that concern tokens, with a token server that checks assertions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("joserfc")

from joserfc.jwk import ECKey, RSAKey

from fhir_backpain.client.backend_services import BackendServices
from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import SettingsError
from fhir_backpain.outbox.store import Store
from fhir_backpain.sync.push import Dispatcher
from fhir_backpain.sync.push_options import PushOptions, PushResult
from tests.awkward_server import AwkwardServer
from tests.matrix.token_server import TokenServer
from tests.unit.sync.sync_world import QUICK, PlainRenderer, record

CLIENT = "https://clinic.example/gateway"


def new_key(kind: str) -> Any:
    return RSAKey.generate_key(2048) if kind == "RSA" else ECKey.generate_key("P-384")


@pytest.fixture(params=["RSA", "EC"])
def key(request: pytest.FixtureRequest) -> Any:
    return new_key(request.param)


@pytest.fixture
def key_file(key: Any, tmp_path: Path) -> Path:
    file = tmp_path / "key.pem"
    file.write_bytes(key.as_pem(private=True))
    return file


@pytest.fixture
def fhir() -> Iterator[AwkwardServer]:
    """A FHIR server that takes the newest token alone."""
    with AwkwardServer(client_ids=True, token="none yet") as server:
        yield server


@pytest.fixture
def tokens(key: Any, fhir: AwkwardServer) -> Iterator[TokenServer]:
    def renewed(token: str) -> None:
        fhir.traits.token = token

    with TokenServer(CLIENT, {"key-1": key}, renewed) as server:
        yield server


def services(tokens: TokenServer, key_file: Path, key_id: str = "key-1") -> BackendServices:
    return BackendServices(CLIENT, key_file, key_id=key_id, token_url=tokens.url)


def push(store: Store, fhir: AwkwardServer, services: BackendServices, *names: str) -> PushResult:
    credentials = services.credentials(fhir.base_url)
    with FhirClient(fhir.base_url, credentials=credentials, deadline=10) as client:
        options = PushOptions(retry=QUICK, patience=1.0)
        dispatcher = Dispatcher(store, client, PlainRenderer(), server="fhir", options=options)
        dispatcher.append(record(name) for name in names)
        return dispatcher.run_until_idle()


def test_row_22_many_workers_that_meet_a_401_ask_for_one_token(
    fhir: AwkwardServer, tokens: TokenServer, key_file: Path
) -> None:
    credentials = services(tokens, key_file).credentials(fhir.base_url)
    with FhirClient(fhir.base_url, credentials=credentials) as client:
        client.put("Patient", "p1", '{"resourceType":"Patient","id":"p1"}')
        fhir.traits.token = "token-2"  # the server has forgotten the first one
        gate = threading.Barrier(8)

        def read(_: int) -> int:
            gate.wait()
            return client.read("Patient", "p1").status

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(read, range(8))) == [200] * 8
    assert tokens.given == ["token-1", "token-2"]
    assert tokens.asked == 2


@pytest.mark.parametrize("status", [500, 503, 429])
def test_row_34_while_the_token_server_is_down_the_queue_waits(
    store: Store, fhir: AwkwardServer, tokens: TokenServer, key_file: Path, status: int
) -> None:
    tokens.statuses = [status] * 1000
    result = push(store, fhir, services(tokens, key_file), "r1", "r2")
    assert result.reason in ("unreachable", "waiting")
    assert store.counts()["queued"] == 2
    assert {entry.attempts for entry in store.entries()} == {0}
    assert fhir.requests == []
    tokens.statuses.clear()
    assert push(store, fhir, services(tokens, key_file)).is_complete


def test_row_34_a_key_that_is_replaced_is_used_without_a_restart(
    store: Store, fhir: AwkwardServer, tokens: TokenServer, key: Any, key_file: Path
) -> None:
    mine = services(tokens, key_file, key_id="key-2")
    assert push(store, fhir, mine, "r1").reason == "refused"  # the server wants key-1
    assert store.counts()["queued"] == 1
    newer = new_key(key.key_type)
    tokens.keys = {"key-2": newer}
    assert push(store, fhir, mine).reason == "refused"  # the file still holds the old key
    key_file.write_bytes(newer.as_pem(private=True))
    assert push(store, fhir, mine).is_complete
    assert len(fhir.live("Observation")) == 1


def test_a_token_goes_to_its_own_server_alone(
    fhir: AwkwardServer, tokens: TokenServer, key_file: Path
) -> None:
    credentials = services(tokens, key_file).credentials(fhir.base_url)
    with (
        AwkwardServer(client_ids=True) as other,
        FhirClient(fhir.base_url, credentials=credentials) as client,
        FhirClient(other.base_url) as elsewhere,
    ):
        client.capabilities()
        elsewhere.capabilities()
    assert tokens.given == ["token-1"]
    assert "token-1" not in repr(credentials) + str(other.requests)


def test_assertions_are_short_lived_and_never_the_same(key_file: Path) -> None:
    with pytest.raises(SettingsError, match="300 seconds"):
        BackendServices(CLIENT, key_file, lifetime=301)
    mine = BackendServices(CLIENT, key_file)
    assert mine.assertion("https://x.example/t") != mine.assertion("https://x.example/t")


@pytest.mark.parametrize(
    "content", ["", "{}", "junk", '{"kty":"oct","k":"AAAA"}', "P-256", "public"]
)
def test_a_key_that_cannot_be_used_is_told_before_anything_is_asked(
    tmp_path: Path, content: str
) -> None:
    file = tmp_path / "key"
    if content == "P-256":
        file.write_bytes(ECKey.generate_key("P-256").as_pem(private=True))
    elif content == "public":
        file.write_bytes(ECKey.generate_key("P-384").as_pem(private=False))
    else:
        file.write_text(content)
    with pytest.raises(SettingsError) as caught:
        BackendServices(CLIENT, file).credentials("https://fhir.example/r4")
    assert caught.value.issues[0].number == 6018


@pytest.mark.parametrize("url", ["http://auth.example/token", "ftp://auth.example", "x"])
def test_an_assertion_goes_over_tls_alone(key_file: Path, url: str) -> None:
    with pytest.raises(SettingsError):
        BackendServices(CLIENT, key_file, token_url=url).credentials("https://fhir.example/r4")
