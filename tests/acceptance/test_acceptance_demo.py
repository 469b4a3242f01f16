"""The demo as its users run it: consistent to the end, and nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from command_line import history, run, start

from fhir_backpain.client.client import FhirClient
from fhir_backpain.mapping.mapper import load_mapper
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


@dataclass(frozen=True, slots=True)
class Finished:
    """A demo that ran to its end, and what its sandbox then holds."""

    folder: Path
    group: int
    code: int
    out: str
    err: str
    versions: dict[str, list[dict[str, Any]]]
    counts: dict[str, int]

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "report.json").read_text())
        return found


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("clinic") / "demo"
    demo = start(
        *("demo", "--patients", "6", "--folder", folder, "--json"),
        folder=folder.parent,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = demo.communicate(timeout=DEADLINE)
    with SandboxServer(folder / "sandbox.sqlite") as sandbox:
        with FhirClient(sandbox.base_url) as client:
            counts = {kind: client.count(kind) for kind in load_mapper().types}
        return Finished(folder, demo.pid, demo.returncode, out, err, history(sandbox), counts)


def exported(folder: Path) -> int:
    """Return how many records an export has."""
    lines = (folder / "assessments.ndjson").read_text().splitlines()
    plans = json.loads((folder / "care-plans.json").read_text())
    rows = (folder / "home-measurements.csv").read_text().splitlines()[1:]
    return len(lines) + len(plans) + len(rows)


def test_the_demo_ends_well_and_says_what_it_reports(finished: Finished) -> None:
    assert finished.code == 0, finished.err
    assert json.loads(finished.out) == finished.report
    assert "All checks held." in finished.err


@linux
def test_the_demo_leaves_no_process(finished: Finished) -> None:
    assert group_members(finished.group) == {}


def test_the_report_counts_every_record_of_the_export(finished: Finished) -> None:
    report = finished.report
    records = exported(finished.folder / "first-export")
    assert report["first"]["records"]["sent"] == records
    again = report["again"]["records"]
    assert (again["unchanged"], again["sent"]) == (records, 0)
    assert report["edited"]["records"]["sent"] == 12
    assert report["posted"] == 3
    with SqliteStore(finished.folder / "outbox.sqlite") as store:
        counts = {state: count for state, count in store.counts().items() if count}
    assert counts == {"sent": records + 12 + 3}


def test_the_report_is_what_the_sandbox_holds(finished: Finished) -> None:
    report = finished.report
    held = {kind: count for kind, count in finished.counts.items() if count}
    assert held == {kind: count for kind, count in report["server"].items() if count}
    assert len(finished.versions) == sum(held.values())
    for kind, count in held.items():
        changes = sum(
            report[step]["resources"].get(kind, {}).get(fate, 0)
            for step in ("first", "again", "edited")
            for fate in ("updated", "retired")
        )
        versions = sum(
            len(each) for url, each in finished.versions.items() if url.startswith(f"{kind}/")
        )
        # What was posted to the gateway is not among the steps, and is about Patients too.
        posted = 3 if kind == "Patient" else 0
        assert count + changes <= versions <= count + changes + posted, kind


def test_no_patient_loses_a_name(finished: Finished) -> None:
    patients = [each for url, each in finished.versions.items() if url.startswith("Patient/")]
    assert len(patients) == 6
    for versions in patients:
        for element in ("name", "gender", "birthDate"):
            assert element in versions[0]
            assert element in versions[-1]


def test_the_status_of_its_outbox_is_good(finished: Finished) -> None:
    outbox = finished.folder / "outbox.sqlite"
    ran = run("status", "--outbox", outbox, "--json", folder=finished.folder.parent)
    assert ran.code == 0
    (held,) = ran.json["servers"].values()
    assert held["resources"] == sum(finished.counts.values())


def test_a_second_demo_replaces_the_first_one_unless_there_is_more(
    finished: Finished, tmp_path: Path
) -> None:
    folder = tmp_path / "demo"
    shutil.copytree(finished.folder, folder)
    ran = run("demo", "--patients", "2", "--folder", folder, folder=tmp_path)
    assert ran.code == 0, ran.err
    assert "exports a year of 2 patients" in ran.err
    assert json.loads((folder / "report.json").read_text()) != finished.report
    wrong = run("demo", "--server", "nosuch", "--folder", folder, folder=tmp_path)
    assert wrong.code == 2
    assert (folder / "report.json").exists()
    (folder / "notes.txt").write_text("mine")
    refused = run("demo", "--patients", "2", "--folder", folder, folder=tmp_path)
    assert refused.code == 2
    assert "error FBP-8902" in refused.err
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "report.json").exists()


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
    patients = "40" if moment == "export" else "2"
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
