"""What the README shows, done as it says, and what it claims."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from command_line import ROOT, content, environment

from fhir_backpain.client.client import FhirClient
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping.mapper import load_mapper

README = (ROOT / "README.md").read_text(encoding="utf-8")
DEADLINE = 60.0


def section(title: str) -> str:
    """Return a section of the README."""
    found = re.search(
        rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE
    )
    assert found, title
    return found.group(1)


def blocks(title: str, language: str) -> list[str]:
    """Return the code blocks of a section."""
    return re.findall(rf"^```{language}\n(.*?)^```$", section(title), re.DOTALL | re.MULTILINE)


def statements(block: str) -> Iterator[str]:
    """Yield the commands of a block as a person types them: one, then the next."""
    lines = iter(block.splitlines())
    for line in lines:
        taken = [line]
        end = re.search(r"<<'(\w+)'$", line)
        while taken[-1].endswith("\\") or (end and taken[-1] != end.group(1)):
            taken.append(next(lines))
        yield "\n".join(taken)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@dataclass(slots=True)
class Done:
    """A command of the README and what it came to."""

    text: str
    code: int
    out: str
    err: str


@dataclass(slots=True)
class Terminal:
    """A shell in a folder, in which `fhir-backpain` is installed."""

    folder: Path
    ports: dict[str, str]
    done: list[Done] = field(default_factory=list)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        program = self.folder / "bin" / "fhir-backpain"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m fhir_backpain.cli "$@"\n')
        program.chmod(0o755)

    @property
    def server(self) -> str:
        return f"http://127.0.0.1:{self.ports['8090']}/fhir"

    def type(self, text: str) -> Done | None:
        """Run a command; one that ends with & goes on in the background until the test ends."""
        for old, new in self.ports.items():
            text = re.sub(rf"\b{old}\b", new, text)
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        options: dict[str, Any] = {"cwd": self.folder, "env": environment({"PATH": path})}
        if text.endswith(" &"):
            # exec: the process is the program itself, not a shell around it.
            words = ["bash", "-c", f"exec {text.removesuffix(' &')}"]
            options |= {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            self.running.append(subprocess.Popen(words, **options))
            self._wait_for(re.findall(r"--port (\d+)", text)[0])
            return None
        ran = subprocess.run(
            ["bash", "-c", text], capture_output=True, text=True, timeout=DEADLINE, **options
        )
        self.done.append(Done(text, ran.returncode, ran.stdout, ran.stderr))
        return self.done[-1]

    def _wait_for(self, port: str) -> None:
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end and self.running[-1].poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(port))) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("the server of the README did not start")

    def run(self, text: str) -> Done:
        done = self.type(text)
        assert done is not None
        return done

    def close(self) -> None:
        for process in reversed(self.running):
            process.terminate()
            assert process.wait(DEADLINE) == 0

    def versions(self) -> Counter[str]:
        """Return how many versions each resource of the server has."""
        with FhirClient(self.server) as client:
            entries = client.history(parameters=[("_count", "500")])
            return Counter(
                f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
                for entry in entries
            )


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path, {"8090": str(free_port()), "8480": str(free_port())})
    yield opened
    opened.close()


@pytest.mark.skipif(not shutil.which("curl"), reason="the README uses curl")
def test_the_five_minutes(terminal: Terminal) -> None:
    first, second, third = blocks("Five minutes", "sh")
    for text in [*statements(first), *statements(second)]:
        done = terminal.type(text)
        assert done is None or done.code == 0, done
    by_text = {done.text.split("#")[0].strip(): done for done in terminal.done}
    check_tour(terminal, by_text)
    check_edits(terminal)
    check_gateway(terminal, third)


def check_tour(terminal: Terminal, done: dict[str, Done]) -> None:
    shown = done["fhir-backpain map visit.ndjson --as resources --pretty"].out
    kinds = {
        json_text.parse(part)["resourceType"]
        for part in re.split(r"(?<=^\})\n", shown, flags=re.M)
        if part
    }
    assert {"Patient", "Observation", "Condition"} <= kinds
    first, again = [each for each in terminal.done if each.text.startswith("fhir-backpain sync")]
    assert "records: 1 sent" in first.err
    assert "records: 0 sent, 1 unchanged" in again.err, "the README says: nothing is written"
    assert set(terminal.versions().values()) == {1}
    assert "records: 1 sent" in done["fhir-backpain status"].out


def check_edits(terminal: Terminal) -> None:
    """Change the score, and write "paim" for "pain", as the README suggests."""
    visit = terminal.folder / "visit.ndjson"
    sync = f"fhir-backpain sync visit.ndjson --server {terminal.server}"
    before = terminal.versions()
    original = visit.read_text()
    visit.write_text(original.replace('"score": 44', '"score": 40'))
    assert visit.read_text() != original
    assert terminal.run(sync).code == 0
    changed = {url: count for url, count in terminal.versions().items() if count != before[url]}
    observations = {url: count for url, count in changed.items() if url.startswith("Observation/")}
    assert list(observations.values()) == [2], "one Observation gets a second version"

    other = visit.read_text().replace("V-1", "V-2").replace('"P-100"', '"P-200"')
    visit.write_text(original.replace('"pain"', '"paim"') + other)
    before = terminal.versions()
    done = terminal.run(sync)
    assert done.code == 1
    line = next(line for line in done.err.splitlines() if "paim" in line)
    assert line.startswith("visit.ndjson:1:")
    assert "/paim" in line
    assert 'Did you mean "pain"?' in line
    after = terminal.versions()
    assert all(after[url] == count for url, count in before.items())
    assert sum(url.startswith("Patient/") for url in after) == 2, "the others go through"
    visit.write_text(original)


def check_gateway(terminal: Terminal, block: str) -> None:
    serve, curl = statements(block)
    terminal.type(serve)
    answer = terminal.run(curl)
    assert answer.code == 0
    head, _, body = answer.out.partition("\n\n")
    assert re.match(r"HTTP/1\.1 202 ", head)
    found = re.search(r"^Location: (\S+)$", head, re.MULTILINE | re.IGNORECASE)
    assert found
    tracking = found.group(1)
    gateway = f"http://127.0.0.1:{terminal.ports['8480']}"
    url = tracking if "://" in tracking else gateway + tracking
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        delivery = requests.get(url, timeout=10).json()
        if delivery["state"] == "sent":
            break
        time.sleep(0.05)
    assert delivery["state"] == "sent"
    visit = terminal.folder / "visit.ndjson"
    visit.write_text(visit.read_text().replace('"pain"', '"paim"'))
    refused = terminal.run(curl)
    head, _, body = refused.out.partition("\n\n")
    assert re.match(r"HTTP/1\.1 4\d\d ", head)
    assert json.loads(body)["resourceType"] == "OperationOutcome"


def test_the_clinics_table(terminal: Terminal) -> None:
    (feed,) = blocks("A clinic's table", "yaml")
    (sync,) = blocks("A clinic's table", "sh")
    terminal.type("fhir-backpain sandbox --port 8090 &")
    (terminal.folder / "weekly-scores.feed.yaml").write_text(feed)
    rows = [
        "mrn;visit;item;unit;val;typed_by",
        "P-1;02/03/2026 09:30;PAIN;0-10;6;ab",
        "P-2;01/07/2026 18:05;WEIGHT;kg;81,5;NA",
    ]
    (terminal.folder / "scores.csv").write_text("\n".join(rows) + "\n")
    (statement,) = statements(sync)
    done = terminal.run(statement)
    assert done.code == 0, done.err
    assert "records: 2 sent" in done.err
    table = {line.split()[0]: line for line in done.err.splitlines() if line.startswith("  ")}
    for column in ("mrn", "visit", "item", "unit", "val"):
        assert re.search(r" mapped +2 values, +0 empty ", table[column])
    assert re.search(r" ignored +1 values, +1 empty +not clinical", table["typed_by"])
    records = [
        weekly("P-1", "02/03/2026 09:30", "2026-03-02T09:30:00+01:00", "pain-nrs-week", "6"),
        weekly("P-2", "01/07/2026 18:05", "2026-07-01T18:05:00+02:00", "body-weight", "81.5"),
    ]
    mapper = load_mapper()
    expected = {
        made.url: json_text.parse(made.text)
        for data in records
        for made in mapper(json_text.parse(json.dumps(data)))
    }
    with FhirClient(terminal.server) as client:
        held = [content(entry["resource"]) for entry in client.history()]
    assert {f"{each['resourceType']}/{each['id']}": each for each in held} == expected


def test_what_others_change(terminal: Terminal) -> None:
    (pull,) = statements(blocks("What others change", "sh")[0])
    terminal.type("fhir-backpain sandbox --port 8090 &")
    record = weekly("P-1", "1", "2026-03-02T09:30:00+01:00", "pain-nrs-week", "6")
    changed = {**record, "score": 4}
    (terminal.folder / "weekly.ndjson").write_text(json.dumps(record) + "\n")
    sync = f"fhir-backpain sync weekly.ndjson --server {terminal.server}"
    assert terminal.run(sync).code == 0
    mapper = load_mapper()
    (theirs,) = (
        made for made in mapper(json_text.parse(json.dumps(changed))) if made.type == "Observation"
    )
    with FhirClient(terminal.server) as client:
        client.put(theirs.type, theirs.id, theirs.text)
    done = terminal.run(pull)
    assert done.code == 0, done.err
    (line,) = (terminal.folder / "changes.ndjson").read_text().splitlines()
    assert json.loads(line)["record"]["score"] == 4


def weekly(mrn: str, visit: str, at: str, measure: str, score: str) -> dict[str, Any]:
    """Return the record that a row of the weekly scores says."""
    return {
        "record": "observation",
        "id": f"{mrn}-{visit}",
        "source": "https://clinic.example/weekly",
        "recorded_at": "2026-03-02T18:00:00+01:00",
        "patient": {"identifier": {"system": "https://clinic.example/mrn", "value": mrn}},
        "observed_at": at,
        "measure": measure,
        "score": json.loads(score),
    }


def test_the_mapping_is_the_shipped_one() -> None:
    (shown,) = blocks("A mapping, as it is shipped", "yaml")
    name = yaml.safe_load(shown)["mapping"]
    (shipped,) = (ROOT / "mappings").rglob(f"{name}.map.yaml")
    assert without_comments(shown) == without_comments(shipped.read_text(encoding="utf-8"))


def without_comments(text: str) -> list[str]:
    lines = (re.sub(r"(^|\s+)#.*$", "", line).rstrip() for line in text.splitlines())
    return [line for line in lines if line]


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target
