"""A harmless look at how a server searches."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import RemoteError
from tests.awkward_server import AwkwardServer


@pytest.mark.parametrize(
    ("traits", "searching", "in_url", "unknown"),
    [
        ({}, "exact", False, "ignored"),
        ({"ignores_unknown_parameters": False}, "exact", False, "refused"),
        ({"posts_searches": False}, "exact", True, "ignored"),
        ({"ignores_identifier": True}, "ignores-criteria", False, "ignored"),
    ],
)
def test_what_the_searches_show(
    traits: dict[str, Any], searching: str, in_url: bool, unknown: str
) -> None:
    with AwkwardServer(**traits) as server, FhirClient(server.base_url) as client:
        client.create("Patient", '{"resourceType":"Patient"}')
        seen = client.preflight()
        assert (seen.searching, seen.in_url, seen.unknown_parameters) == (
            searching,
            in_url,
            unknown,
        )
        asked = len(server.requests)
        assert client.preflight() is seen  # looked at once
        assert len(server.requests) == asked
        asked_for = [path + body for _, path, body in server.requests[1:]]
        assert all("nowhere" in one or one == "/fhir/metadata" for one in asked_for)


def test_a_server_that_cannot_be_asked_is_told() -> None:
    with (
        AwkwardServer(token="secret") as server,
        FhirClient(server.base_url) as client,
        pytest.raises(RemoteError) as caught,
    ):
        client.preflight()
    assert caught.value.status == 401
