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
def test_it_does_not_listen_to_strangers(tmp_path: Path, host: str) -> None:
    settings = GatewaySettings(SERVER, tmp_path / "o", host=host, port=0)
    with pytest.raises(SettingsError, match="no authentication"):
        serve(settings)
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_is_local(tmp_path: Path, host: str) -> None:
    GatewaySettings(SERVER, tmp_path / "o", host=host).ensure_may_listen()


def test_on_purpose_it_listens_anywhere(tmp_path: Path) -> None:
    settings = GatewaySettings(SERVER, tmp_path / "o", host="0.0.0.0", allow_remote=True)
    settings.ensure_may_listen()
    assert settings.trusts("any.example:1")
    named = GatewaySettings(
        SERVER, tmp_path / "o", host="0.0.0.0", allow_remote=True, trusted_hosts=("gw.example",)
    )
    assert named.trusts("GW.example:443")
    assert not named.trusts("any.example")


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = GatewaySettings(SERVER, tmp_path / "o", port=taken.getsockname()[1])
        with pytest.raises(SettingsError, match="FBP-8115"):
            serve(settings)
