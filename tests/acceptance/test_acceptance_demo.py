"""The demo as its users run it: consistent to the end, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import history, run, start

from fhir_backpain.client.client import FhirClient
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.sandbox.server import SandboxServer

DEADLINE = 60.0
linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")


def group_members(leader: int) -> dict[int, str]:
    """Return the living processes of a process group with their command lines."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            state, _, group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, ValueError):
            continue  # it ended meanwhile
        if int(group) == leader and state not in "ZX":
            found[int(folder.name)] = words
    return found


def eventually(reached: Callable[[], bool]) -> bool:
    end = time.monotonic() + DEADLINE
    while not reached():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@linux
def test_the_demo_tells_the_truth_and_leaves_no_process(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    demo = start(
        *("demo", "--patients", "6", "--folder", folder, "--json"),
        folder=tmp_path,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = demo.communicate(timeout=DEADLINE)
    assert demo.returncode == 0, err
    assert group_members(demo.pid) == {}
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    assert json.loads(out) == report
    assert "All checks held." in err
    records = sum(
        path.read_text().count("https://clinic.example/mrn")
        for path in (folder / "first-export").glob("*.*json")
    ) + len((folder / "first-export" / "home-measurements.csv").read_text().splitlines()[1:])
    assert report["first"]["records"]["sent"] == records
    again = report["again"]["records"]
    assert (again["unchanged"], again["sent"]) == (records, 0)
    assert report["edited"]["records"]["sent"] == 12
    assert report["posted"] == 3
    with SandboxServer(folder / "sandbox.sqlite") as sandbox:
        with FhirClient(sandbox.base_url) as client:
            held = {kind: client.count(kind) for kind in report["server"]}
        versions = sum(len(each) for each in history(sandbox).values())
    assert held == report["server"]
    with SqliteStore(folder / "outbox.sqlite") as store:
        counts = {state: count for state, count in store.counts().items() if count}
        assert sum(store.ledger_size(server) for server in store.servers()) == sum(held.values())
    assert counts == {"sent": records + 12 + 3}
    written = [
        sum(kinds["updated"] for kinds in report[step]["resources"].values())
        for step in ("first", "again", "edited")
    ]
    assert versions == sum(held.values()) + sum(written)
    status = run("status", "--outbox", folder / "outbox.sqlite", folder=tmp_path)
    assert status.code == 0


def test_a_second_demo_replaces_the_first_one(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    for patients in ("3", "2"):
        ran = run("demo", "--patients", patients, "--folder", folder, folder=tmp_path)
        assert ran.code == 0, ran.err
        assert f"exports a year of {patients} patients" in ran.err


@pytest.mark.parametrize("names", [["notes.txt"], ["outbox.sqlite", "patients.csv"]], ids=str)
def test_a_folder_with_foreign_files_is_refused(tmp_path: Path, names: list[str]) -> None:
    """A clinic's own outbox may have any name, that of a demo's too."""
    for name in names:
        (tmp_path / name).write_text("mine")
    ran = run("demo", "--patients", "1", "--folder", tmp_path, folder=tmp_path)
    assert ran.code == 2
    assert "error FBP-8902" in ran.err
    assert "--folder" in ran.err
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(
        names, "mine"
    )


def test_foreign_files_in_an_earlier_demos_folder_are_not_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    assert run("demo", "--patients", "2", "--folder", folder, folder=tmp_path).code == 0
    (folder / "notes.txt").write_text("mine")
    assert run("demo", "--patients", "2", "--folder", folder, folder=tmp_path).code == 2
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "report.json").exists()


def test_a_wrong_server_leaves_an_earlier_demo_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    assert run("demo", "--patients", "2", "--folder", folder, folder=tmp_path).code == 0
    arguments = ("demo", "--server", "nosuch", "--folder", folder)
    assert run(*arguments, folder=tmp_path).code == 2
    assert (folder / "report.json").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = run("demo", "--folder", tmp_path / "file" / "demo", folder=tmp_path)
    assert ran.code == 2
    assert "error FBP-8902" in ran.err


@linux
@pytest.mark.parametrize("moment", ["export", "gateway"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_in_the_middle_leaves_no_process(tmp_path: Path, name: str, moment: str) -> None:
    folder = tmp_path / "demo"
    patients = "60" if moment == "export" else "2"
    demo = start(
        *("demo", "--patients", patients, "--folder", folder),
        folder=tmp_path,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def has_come() -> bool:
        if moment == "export":
            return (folder / "first-export").exists()
        return any(" serve " in words for words in group_members(demo.pid).values())

    assert eventually(lambda: has_come() or demo.poll() is not None)
    os.kill(demo.pid, getattr(signal, name))
    code = demo.wait(DEADLINE)
    assert code == {"SIGINT": 130, "SIGTERM": 143}[name]
    assert eventually(lambda: not group_members(demo.pid)), group_members(demo.pid)
    if moment == "export":
        again = run("demo", "--patients", "1", "--folder", folder, folder=tmp_path)
        assert again.code in (0, 2), again.err
        assert "FBP-8902" not in again.err
