"""Settings that are refused, and addresses that must not be listened on."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.errors import SettingsError
from fhir_backpain.gateway.server import serve
from fhir_backpain.gateway.settings import GatewaySettings

SERVER = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": -1}, {"port": 65536}, {"max_body": 0}, {"max_records": 0}, {"max_records": 1001},
        {"max_depth": 65}, {"threads": 0}, {"deadline": 0}, {"stop_seconds": -1},
    ],
)  # fmt: skip
def test_numbers_out_of_range(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        GatewaySettings(SERVER, tmp_path / "o", **wrong)


def test_a_base_url_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        GatewaySettings("ftp://example.org", tmp_path / "o")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_without_tls_it_does_not_listen_to_strangers(tmp_path: Path, host: str) -> None:
    settings = GatewaySettings(SERVER, tmp_path / "o", host=host, port=0)
    with pytest.raises(SettingsError, match="no proxy with TLS"):
        serve(settings)


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_a_gateway_that_knows_nobody_is_not_made_public(tmp_path: Path, host: str) -> None:
    settings = GatewaySettings(
        SERVER, tmp_path / "o", host=host, port=0, public_url="https://gw.example"
    )
    with pytest.raises(SettingsError, match="knows nobody"):
        serve(settings)
    settings.ensure_may_listen(knows_principals=True)


def test_a_public_url_has_tls(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="begins with https"):
        GatewaySettings(SERVER, tmp_path / "o", public_url="http://gw.example")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_is_local(tmp_path: Path, host: str) -> None:
    settings = GatewaySettings(SERVER, tmp_path / "o", host=host)
    settings.ensure_may_listen(knows_principals=False)


def test_it_answers_to_the_names_that_it_was_given_alone(tmp_path: Path) -> None:
    named = GatewaySettings(
        SERVER,
        tmp_path / "o",
        host="0.0.0.0",
        public_url="https://gw.example:8443/base",
        trusted_hosts=("alias.example",),
    )
    assert named.trusts("GW.example:443")
    assert named.trusts("alias.example")
    assert not named.trusts("any.example")


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = GatewaySettings(SERVER, tmp_path / "o", port=taken.getsockname()[1])
        with pytest.raises(SettingsError, match="FBP-8115"):
            serve(settings)
