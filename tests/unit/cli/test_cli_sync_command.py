"""sync: its exit codes, its output for people and for programs, and what it must never send."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from cli_world import NOBODY, number_of, observation, write

from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.client.client import FhirClient
from fhir_backpain.client.servers import PUBLIC_SERVERS
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer
from tests.command import Run

BATCH = "^/fhir/?$"
PATIENCE = ("--patience", "5")
SOURCE_KEYS = {"accepted", "rejected", "issues", "issueCount", "columns"}
SERVER_KEYS = {"reason", "complete", "queued", "records", "resources", "issues", "stopped_by"}


def count(server: SandboxServer, kind: str = "Observation") -> int:
    with FhirClient(server.base_url) as client:
        return client.count(kind)


def test_good_records_are_sent_once(run: Run, good: Path, server: SandboxServer) -> None:
    first = run("sync", good, "--server", server.base_url, *PATIENCE)
    assert first.code == ExitCode.DONE
    assert first.out == ""
    assert "read: 3 records, 0 rejected" in first.err
    assert "records: 3 sent" in first.err
    assert count(server) == 3
    again = run("sync", good, "--server", server.base_url, *PATIENCE, "--json")
    assert again.code == ExitCode.DONE
    assert again.json["server"]["records"]["unchanged"] == 3
    assert again.json["server"]["resources"] == {}


def test_json_is_one_document_with_stable_keys(
    run: Run, mixed: Path, server: SandboxServer
) -> None:
    ran = run("sync", mixed, "--server", server.base_url, "--json")
    assert ran.code == ExitCode.DATA_PROBLEMS
    assert ran.err == ""
    document = ran.json
    assert list(document) == ["source", "server"]
    assert set(document["source"]) >= SOURCE_KEYS
    assert set(document["server"]) >= SERVER_KEYS
    assert document["source"]["accepted"] == {"observation": 2}
    assert document["source"]["rejected"] == 1
    assert number_of(document["source"]["issues"][0]) == "FBP-4004"
    assert count(server) == 2


def test_a_server_that_is_down_is_3_and_the_next_run_goes_on(
    run: Run, good: Path, server: SandboxServer
) -> None:
    server.faults.add(FaultRule("drop-before"))
    down = run("sync", good, "--server", server.base_url, "--patience", "1")
    assert down.code == ExitCode.SERVER_UNAVAILABLE
    assert "3 queued" in down.err
    assert "error FBP-60" in down.err
    assert count_after_repair(server) == 0
    assert run("sync", good, "--server", server.base_url, *PATIENCE).code == ExitCode.DONE
    assert count(server) == 3


def count_after_repair(server: SandboxServer) -> int:
    server.faults.clear()
    return count(server)


def test_a_closed_port_is_3_and_everything_stays_queued(run: Run, good: Path) -> None:
    ran = run("sync", good, "--server", NOBODY, "--patience", "1", "--json")
    assert ran.code == ExitCode.SERVER_UNAVAILABLE
    assert ran.json["server"]["reason"] == "unreachable"
    assert ran.json["server"]["queued"] == 3
    assert number_of(ran.json["server"]["stopped_by"][0]) == "FBP-6003"


def test_trouble_with_the_server_goes_before_trouble_with_the_data(run: Run, mixed: Path) -> None:
    ran = run("sync", mixed, "--server", NOBODY, "--patience", "0")
    assert ran.code == ExitCode.SERVER_UNAVAILABLE
    assert "mixed.ndjson:2" in ran.err


def test_a_server_that_asks_to_wait_is_3(run: Run, good: Path, server: SandboxServer) -> None:
    settings = {"status": 503, "headers": {"Retry-After": "600"}}
    server.faults.add(FaultRule("status", settings, method="POST", path=BATCH))
    ran = run("sync", good, "--server", server.base_url, "--patience", "1", "--json")
    assert ran.code == ExitCode.SERVER_UNAVAILABLE
    assert ran.json["server"]["reason"] == "waiting"


def test_a_server_that_refuses_the_token_is_3_and_nothing_is_given_up(
    run: Run, good: Path, server: SandboxServer
) -> None:
    server.faults.add(FaultRule("status", {"status": 401}))
    (good.parent / "token").write_text("not-the-right-one\n")
    options = ("--server", server.base_url, "--token-file", "token", *PATIENCE)
    ran = run("sync", good, *options, "--json")
    assert ran.code == ExitCode.SERVER_UNAVAILABLE
    assert ran.json["server"]["reason"] == "refused"
    assert ran.json["server"]["queued"] == 3
    assert "not-the-right-one" not in ran.out + ran.err


def test_a_server_that_rejects_records_is_4(run: Run, good: Path, server: SandboxServer) -> None:
    server.faults.add(FaultRule("status", {"status": 422}, method="POST", path=BATCH))
    server.faults.add(FaultRule("status", {"status": 422}, method="PUT"))
    ran = run("sync", good, "--server", server.base_url, *PATIENCE, "--json")
    assert ran.code == ExitCode.SERVER_REJECTED
    records = ran.json["server"]["records"]
    assert records["rejected"] + records["held"] == 3
    assert records["rejected"] >= 1
    assert ran.json["server"]["issues"]
    server.faults.clear()
    assert count(server) == 0


@pytest.mark.parametrize("kind", ["garbage", "folder", "no folder", "empty", "another database"])
def test_an_outbox_that_cannot_be_used_is_5(
    run: Run, good: Path, server: SandboxServer, kind: str
) -> None:
    outbox = good.parent / "outbox.sqlite"
    if kind == "garbage":
        outbox.write_bytes(b"no outbox" * 1000)
    elif kind == "folder":
        outbox.mkdir()
    elif kind == "no folder":
        outbox = good.parent / "nosuch" / "outbox.sqlite"
    elif kind == "empty":
        outbox.touch()
    else:
        with SandboxServer(outbox):
            pass
    before = outbox.read_bytes() if outbox.is_file() else None
    for arguments in (["sync", good, "--server", server.base_url], ["doctor"]):
        if arguments == ["doctor"] and not outbox.exists():
            continue
        ran = run(*arguments, "--outbox", outbox)
        assert ran.code == ExitCode.OUTBOX_UNUSABLE, ran.err
        assert "FBP-50" in ran.err + ran.out
        assert " Next: " in ran.err + ran.out
    assert (outbox.read_bytes() if outbox.is_file() else None) == before
    assert count(server) == 0


@pytest.mark.parametrize("name", [server.name for server in PUBLIC_SERVERS])
def test_a_public_server_gets_nothing_but_test_data(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    real = write(tmp_path / "real.ndjson", observation("R-1"), observation("R-2", test_data=False))
    ran = run("sync", real, "--server", name)
    assert ran.code == ExitCode.WRONG_USE
    assert ran.out == ""
    assert "real.ndjson:2" in ran.err
    assert "FBP-60" in ran.err
    assert "public test server" in ran.err


def test_a_queued_record_of_a_patient_does_not_reach_a_public_server_later(
    run: Run, tmp_path: Path, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fhir_backpain.client.servers._PUBLIC_DOMAINS", ("127.0.0.1",))
    real = write(tmp_path / "real.ndjson", observation("R-1", test_data=False))
    server.faults.add(FaultRule("drop-before"))
    insisting = ("--server", server.base_url, "--patience", "0", "--allow-patient-data")
    assert run("sync", real, *insisting).code == ExitCode.SERVER_UNAVAILABLE
    server.faults.clear()
    made_up = write(tmp_path / "made-up.ndjson", observation("R-9", "P-9"))
    ran = run("sync", made_up, "--server", server.base_url, *PATIENCE, "--json")
    assert ran.code == ExitCode.SERVER_REJECTED
    assert ran.json["server"]["records"]["sent"] == 1
    assert ran.json["server"]["records"]["rejected"] == 1
    assert count(server) == 1


def test_max_issues_limits_the_list_and_says_so(
    run: Run, tmp_path: Path, server: SandboxServer
) -> None:
    bad = write(tmp_path / "bad.ndjson", *(observation(f"R-{i}", paim=1) for i in range(9)))
    ran = run("sync", bad, "--server", server.base_url, "--max-issues", "2", "--json")
    assert ran.code == ExitCode.DATA_PROBLEMS
    assert ran.json["source"]["issueCount"] == 9
    assert [number_of(issue) for issue in ran.json["source"]["issues"]] == [
        "FBP-4004", "FBP-4004", "FBP-2051",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        ("client_id = 'x'", "wrong about: key_file"),
        ("client_id = 1\nkey_file = 'k'", "wrong about: client_id"),
        ("client_id = 'x'\nkey_file = 'k'\nsecret = 'y'", "wrong about: secret"),
        ("client_id = 'x'\nkey_file = 'nosuch.pem'", "key file cannot be read"),
    ],
)
def test_a_wrong_smart_file_is_told_before_anything_is_stored(
    run: Run, good: Path, tmp_path: Path, content: str | None, words: str
) -> None:
    file = tmp_path / "smart.toml"
    if content is not None:
        file.write_text(content)
    ran = run("sync", good, "--server", NOBODY, "--smart", file)
    assert ran.code == ExitCode.WRONG_USE
    assert words in ran.err
    assert not list(tmp_path.glob("*.sqlite"))
