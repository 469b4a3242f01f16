"""Malformed input of every kind beside good records: named with its place, and never contagious."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from command_line import ROOT, Resources, run, start_on_pipe, state
from malformed_files import CANARY, EVERY, Malformed, good_records, record, row, text, write

from fhir_backpain.cli.main import main
from fhir_backpain.clinic.export import COLUMNS
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.mapper import load_mapper
from fhir_backpain.sandbox.server import SandboxServer
from tests.command import Ran

FEED = ROOT / "mappings" / "feeds" / "home-measurements.feed.yaml"
NEIGHBOURS = ("N-1", "N-2", "N-3")
MIB = 1024 * 1024
# What a whole sync may take of address space, in MiB; the giant records below have 300.
MEMORY = 700
PARAMETERS = [pytest.param(one, id=one.name) for one in EVERY]
UNCLOSED = pytest.mark.xfail(strict=True, reason="an object left open names the line after it")
PLACES = [
    pytest.param(one, id=one.name, marks=[UNCLOSED] if one.name == "unclosed.ndjson" else [])
    for one in EVERY
]


@dataclass(frozen=True, slots=True)
class Synced:
    """One sync of every malformed file and of a good one, and what the server then holds."""

    ran: Ran
    held: Resources

    def lines(self, file: str) -> list[str]:
        return [line for line in self.ran.err.splitlines() if line.startswith(f"{file}:")]


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Synced:
    folder = tmp_path_factory.mktemp("malformed")
    names = [write(one, folder).name for one in EVERY]
    names.insert(len(names) // 2, neighbours(folder).name)
    with SandboxServer() as server:
        arguments = ["--server", server.base_url, "--feed", str(FEED), "--max-issues", "9999"]
        ran = run("sync", *names, *arguments, folder=folder, memory=MEMORY)
        return Synced(ran, state(server))


def neighbours(folder: Path) -> Path:
    """Write a file of good records."""
    path = folder / "good.ndjson"
    path.write_text("".join(f"{text(record(name))}\n" for name in NEIGHBOURS))
    return path


def mapped(records: list[dict[str, Any]]) -> Resources:
    """Return what records of different patients become."""
    mapper = load_mapper()
    made = [each for data in records for each in mapper(json_text.parse(text(data)))]
    return {each.url: json_text.parse(each.text) for each in made}


def test_exactly_the_good_records_are_on_the_server(synced: Synced) -> None:
    expected = mapped([*(record(name) for name in NEIGHBOURS), *good_records()])
    assert synced.held == expected
    assert synced.ran.code == 1


def test_no_output_has_a_traceback_or_a_patients_value(synced: Synced) -> None:
    for output in (synced.ran.out, synced.ran.err):
        assert "Traceback" not in output
        assert CANARY not in output
        assert "FBP-8005" not in output


@pytest.mark.parametrize("malformed", PLACES)
def test_each_problem_is_named_with_its_place(synced: Synced, malformed: Malformed) -> None:
    place = f"{malformed.name}:{malformed.line or ''}"
    message = re.compile(rf"(error|fatal) FBP-{malformed.number}: \S.*[.?] Next: \S.*\.$")
    found = [line for line in synced.lines(malformed.name) if message.search(line)]
    assert found, synced.lines(malformed.name)
    assert found[0].startswith(place)
    if malformed.line is not None:
        assert re.match(rf"{re.escape(place)}(\D|$)", found[0])


@pytest.mark.parametrize("malformed", PARAMETERS)
def test_each_kind_alone_ends_with_exit_code_1(
    malformed: Malformed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = write(malformed, tmp_path)
    monkeypatch.setattr(sys, "argv", ["fhir-backpain", "map", str(path), "--feed", str(FEED)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    output = capsys.readouterr()
    assert CANARY not in output.err
    assert len(output.out.splitlines()) == len(malformed.good)


def test_a_table_of_a_header_alone_is_accounted_for(tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text(",".join(COLUMNS) + "\n")
    ran = run("validate", "h.csv", "--feed", FEED, folder=tmp_path)
    assert ran.code == 0
    for column in COLUMNS:
        assert re.search(rf"^  {column} +mapped +0 values, +0 empty", ran.err, re.MULTILINE)


def test_a_header_is_checked_even_where_no_row_follows(tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text(",".join(COLUMNS).replace(",mrn", ",nrm") + "\n")
    ran = run("validate", "h.csv", "--feed", FEED, folder=tmp_path)
    assert ran.code == 1
    assert "h.csv:1 field mrn: error FBP-3023" in ran.err
    assert "h.csv:1 field nrm: error FBP-3024" in ran.err


def test_a_table_without_feed_is_wrong_use_and_nothing_is_sent(
    tmp_path: Path, server: SandboxServer
) -> None:
    (tmp_path / "t.csv").write_text(f"{','.join(COLUMNS)}\n{row()}\n")
    good = neighbours(tmp_path)
    ran = run("sync", good, "t.csv", "--server", server.base_url, folder=tmp_path)
    assert ran.code == 2
    assert "t.csv is a table" in ran.err
    assert "--feed" in ran.err
    assert state(server) == {}


@pytest.mark.parametrize(
    "begin",
    [b'{"record": "observation", "note": "', b"[" * 20, b"x"],
    ids=["an endless text", "an endless list", "no JSON"],
)
def test_a_record_of_300_mib_is_refused_in_little_memory(
    tmp_path: Path, server: SandboxServer, begin: bytes
) -> None:
    giant = tmp_path / "giant.ndjson"
    with giant.open("wb") as file:
        file.write(begin)
        for _ in range(300):
            file.write(CANARY[:1].encode() * MIB)
        file.write(f"\n{text(record('behind'))}\n".encode())
    arguments = ["--server", server.base_url, "--json"]
    ran = run("sync", giant, neighbours(tmp_path), *arguments, folder=tmp_path, memory=MEMORY)
    giant.unlink()
    assert ran.code == 1, ran.err
    issue = ran.json["source"]["issues"][0]
    assert issue["extension"][0]["valueString"] == "FBP-2016"
    assert f"{giant}:1" in issue["diagnostics"]
    assert mapped([record(name) for name in NEIGHBOURS]).items() <= state(server).items()


def test_standard_input_is_taken_in_as_a_file_is(tmp_path: Path, server: SandboxServer) -> None:
    lines = [text(record("S-1")), text(record("S-2", paim=CANARY)), text(record("S-3"))]
    given = "\n".join(lines)
    ran = run("sync", "-", "--server", server.base_url, folder=tmp_path, stdin=given)
    assert ran.code == 1
    assert re.search(r"^standard input:2:1 at /paim: error FBP-4004", ran.err, re.MULTILINE)
    assert state(server) == mapped([record("S-1"), record("S-3")])


def test_a_giant_line_on_a_pipe_is_refused_and_what_follows_it_is_carried(
    tmp_path: Path, server: SandboxServer
) -> None:
    command = start_on_pipe(server, tmp_path)
    assert command.stdin is not None
    command.stdin.write(text(record("S-1")) + '\n{"note": "')
    for _ in range(40):
        command.stdin.write("x" * MIB)
    _, err = command.communicate('"}\n' + text(record("S-3")))
    assert command.returncode == 1
    assert re.search(r"^standard input:2:\d+.*FBP-2016", err, re.MULTILINE)
    assert state(server) == mapped([record("S-1"), record("S-3")])
