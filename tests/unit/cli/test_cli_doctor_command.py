"""doctor: what it finds good, what not, and that it writes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cli_world import NOBODY

from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.client.client import FhirClient
from fhir_backpain.client.servers import PUBLIC_SERVERS
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer
from tests.awkward_server import AwkwardServer
from tests.command import Run


def findings(document: list[dict[str, Any]]) -> dict[str, bool]:
    return {finding["name"]: finding["good"] for finding in document}


def test_without_a_server_it_lists_the_public_ones(run: Run, tmp_path: Path) -> None:
    ran = run("doctor")
    assert ran.code == ExitCode.DONE
    for server in PUBLIC_SERVERS:
        assert f"  {server.name} " in ran.out
        assert server.base_url in ran.out
    assert not list(tmp_path.iterdir())


def test_a_good_server_is_found_good(run: Run, server: SandboxServer) -> None:
    ran = run("doctor", "--server", server.base_url, "--json")
    assert ran.code == ExitCode.DONE
    assert ran.err == ""
    found = findings(ran.json)
    assert {"program", "mappings", "outbox", "server", "FHIR version", "transaction"} <= set(found)
    assert all(found.values())
    assert all(set(finding) == {"name", "good", "text"} for finding in ran.json)


def test_nothing_is_written_to_the_server(run: Run) -> None:
    with AwkwardServer() as server:
        run("doctor", "--server", server.base_url)
        asked = {(method, path.removeprefix("/fhir")) for method, path, _ in server.requests}
        assert asked == {("GET", "/metadata"), ("POST", "/Patient/_search")}


@pytest.mark.parametrize(
    ("traits", "words"),
    [
        ({"client_ids": True}, "PUT at our id, If-Match"),
        ({"client_ids": True, "versions": False}, "resources are written by: PUT at our id\n"),
        ({"conditional_update": True}, "conditional PUT by identifier"),
        ({"conditional_create": True}, "POST with If-None-Exist or PUT at the server's id"),
        ({}, "search by identifier, then POST or PUT"),
        ({"transactions": False}, "records are sent by: one request each"),
        ({"client_ids": True, "tells_limit": True}, "bundle limit: 25 entries"),
        ({"posts_searches": False}, "not found; criteria in the URL"),
        ({"ignores_unknown_parameters": False}, "unknown search parameters: refused"),
        ({}, "history: not offered"),
    ],
)
def test_how_records_are_written_is_told_in_words(
    run: Run, traits: dict[str, Any], words: str
) -> None:
    with AwkwardServer(**traits) as server:
        ran = run("doctor", "--server", server.base_url)
    assert ran.code == ExitCode.DONE
    assert words in ran.out


def test_a_server_without_a_safe_way_is_told(run: Run) -> None:
    with AwkwardServer(ignores_identifier=True) as server, FhirClient(server.base_url) as client:
        client.create("Patient", '{"resourceType":"Patient"}')
        ran = run("doctor", "--server", server.base_url)
    assert ran.code == ExitCode.SERVER_UNAVAILABLE
    assert "FAIL searches: error FBP-6057" in ran.out


@pytest.mark.parametrize(
    ("server", "code", "name"),
    [
        (NOBODY, ExitCode.SERVER_UNAVAILABLE, "capabilities"),
        ("nosuch", ExitCode.WRONG_USE, "server"),
        ("ftp://x", ExitCode.WRONG_USE, "server"),
    ],
)
def test_a_bad_server_is_told(run: Run, server: str, code: ExitCode, name: str) -> None:
    ran = run("doctor", "--server", server, "--json")
    assert ran.code == code
    assert findings(ran.json)[name] is False
    shown = run("doctor", "--server", server)
    assert shown.code == code
    assert f"FAIL {name}: error FBP-" in shown.out


def test_a_server_of_another_release_is_told(run: Run, server: SandboxServer) -> None:
    statement = '{"resourceType": "CapabilityStatement", "fhirVersion": "5.0.0", "rest": []}'
    headers = {"Content-Type": "application/fhir+json"}
    settings = {"status": 200, "headers": headers, "body": statement}
    server.faults.add(FaultRule("status", settings, path="metadata"))
    ran = run("doctor", "--server", server.base_url, "--json")
    assert ran.code == ExitCode.SERVER_UNAVAILABLE
    assert findings(ran.json)["FHIR version"] is False
    assert findings(ran.json)["update of Observation"] is False


def test_the_outbox_is_counted(run: Run, good: Path, server: SandboxServer) -> None:
    run("sync", good, "--server", server.base_url, "--patience", "5")
    ran = run("doctor")
    assert ran.code == ExitCode.DONE
    assert "outbox: fhir-backpain-outbox.sqlite: 3 sent" in ran.out


def test_a_damaged_outbox_is_5(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.sqlite").write_bytes(b"x" * 5000)
    ran = run("doctor", "--outbox", "bad.sqlite", "--json")
    assert ran.code == ExitCode.OUTBOX_UNUSABLE
    assert findings(ran.json)["outbox"] is False
