"""Which addresses are servers, and which servers are public."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fhir_backpain.client.base_url import parse_base_url
from fhir_backpain.client.retry_after import parse_retry_after
from fhir_backpain.client.servers import (
    PUBLIC_SERVERS,
    ensure_may_receive,
    find_server,
    is_public,
)
from fhir_backpain.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "base_url"),
    [
        ("http://localhost:8080/fhir", "http://localhost:8080/fhir"),
        ("https://FHIR.example/R4//", "https://fhir.example/R4"),
        ("https://[::1]:8443/fhir/", "https://[::1]:8443/fhir"),
        ("https://fhir.example", "https://fhir.example"),
    ],
)
def test_a_base_url_is_normalised(text: str, base_url: str) -> None:
    assert parse_base_url(text) == base_url


@pytest.mark.parametrize(
    "text",
    [
        "", "fhir.example/r4", "ftp://fhir.example", "file:///etc/passwd", "https://",
        "https:///r4", "https://user:secret@fhir.example/r4", "https://user@fhir.example/r4",
        "https://fhir.example/r4?key=secret", "https://fhir.example/r4#x",
        "https://fhir.example/r4?", "https://fhir.example:99999/r4", "https://fhir.example:x/r4",
        "https://fhir.example/../r4", "https://fhir.example/r 4", "https://fhir.example/\nHost:x",
        "https://[::1", "https://fhir.example\\@evil.example/", "gopher://x", "http://\x00",
        "https://fh\u0131r.example/r4", "javascript:alert(1)", "https://fhir.example:0/",
    ],
)  # fmt: skip
def test_what_is_no_base_url_is_refused(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_base_url(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "public"),
    [
        *[(server.base_url, True) for server in PUBLIC_SERVERS],
        ("http://hapi.fhir.org/baseR4", True),
        ("https://HAPI.FHIR.ORG:8443/other", True),
        ("https://hapi.fhir.org./baseR4", True),
        ("https://server.fire.ly", True),
        ("https://hapi.fhir.org.clinic.example/r4", False),
        ("https://myfhir.org/r4", False),
        ("http://localhost:8080/fhir", False),
    ],
)
def test_public_servers_are_known_by_their_host(url: str, public: bool) -> None:
    assert is_public(url) is public


def test_only_test_data_or_insistence_reaches_a_public_server() -> None:
    public, own = "https://hapi.fhir.org/baseR4", "https://fhir.clinic.example/r4"
    with pytest.raises(SettingsError) as caught:
        ensure_may_receive(public, all_test_data=False, insist=False)
    assert caught.value.issues[0].code == "security"
    ensure_may_receive(public, all_test_data=True, insist=False)
    ensure_may_receive(public, all_test_data=False, insist=True)
    ensure_may_receive(own, all_test_data=False, insist=False)


def test_servers_are_found_by_name() -> None:
    found = find_server("hapi")
    assert found is not None
    assert (found.base_url, found.release) == ("https://hapi.fhir.org/baseR4", "R4")
    assert find_server("no such server") is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None), ("", None), ("0", 0.0), (" 120 ", 120.0), ("1.5", 1.5), ("-5", None),
        ("NaN", None), ("inf", None), ("soon", None), ("999999999", 86400.0),
        ("9" * 400, None), ("\u0663", None),
        ("Wed, 01 May 2024 12:01:00 GMT", 60.0), ("Wed, 01 May 2024 11:00:00 GMT", 0.0),
        ("Wed, 01 May 2099 11:00:00 GMT", 86400.0), ("Wed, 99 May 2024 11:00:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, datetime(2024, 5, 1, 12, tzinfo=UTC)) == seconds
