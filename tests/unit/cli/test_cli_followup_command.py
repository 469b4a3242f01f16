"""followup: tables, JSON and a picture, from files and from a server."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cli_world import NOBODY, write

from fhir_backpain.cli.exit_codes import ExitCode
from fhir_backpain.sandbox.server import SandboxServer
from tests.command import Run
from tests.unit.followup.followup_world import PATIENT, observation, year


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """A file of a patient's year."""
    return write(tmp_path / "year.ndjson", *year())


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A file of two patients."""
    other = observation("O-9", "2026-02-02", score=30)
    other["patient"] = {"identifier": {"system": "https://clinic.example/mrn", "value": "P-2"}}
    return write(tmp_path / "two.ndjson", *year(), other)


def test_a_trajectory_is_a_table(run: Run, records: Path) -> None:
    ran = run("followup", "trajectory", records)
    assert (ran.code, ran.err) == (ExitCode.DONE, "")
    lines = ran.out.splitlines()
    assert lines[0] == f"patient {PATIENT}"
    assert "  2026-03-02  plan P-2: exercise-therapy: frequency 2/week -> 3/week; " in ran.out
    place = lines.index("odi ({score}; lower is better)")
    assert lines[place + 1 : place + 4] == [
        "baseline 44 (2026-01-05); latest 18 (2026-11-30); best 18; change -26 (-59.1 %); "
        "importantly better (at least 10 counts)",
        "  2026-01-05  44, severe  [assessment A-1]",
        "  2026-02-02  40, moderate  [observation O-1]",
    ]
    assert "  2026-04-06  missing: asked-declined  [observation O-2]" in lines


def test_a_trajectory_is_data(run: Run, records: Path) -> None:
    ran = run("followup", "trajectory", records, "--measure", "odi", "--json")
    (one,) = ran.json["trajectories"]
    assert (one["measure"], one["change"], one["verdict"]) == ("odi", -26, "better")
    assert one["importantChange"]["inUnits"] == 10
    assert one["importantChange"]["source"]
    assert [point["value"] for point in one["points"]] == [44, 40, None, 26, 18]
    assert one["points"][0]["source"].endswith("year.ndjson:1:1")


def test_a_picture_is_written_and_is_the_same_again(run: Run, records: Path) -> None:
    for file in ("a.svg", "b.svg"):
        ran = run("followup", "trajectory", records, "--svg", file, "--title", "One year")
        assert (ran.code, ran.out) == (ExitCode.DONE, "")
        assert file in ran.err
    text = records.with_name("a.svg").read_text("utf-8")
    assert text == records.with_name("b.svg").read_text("utf-8")
    assert ElementTree.fromstring(text)[0].text == "One year"


def test_a_picture_is_of_one_patient(run: Run, two: Path) -> None:
    ran = run("followup", "trajectory", two, "--svg", "a.svg")
    assert ran.code == ExitCode.WRONG_USE
    assert "FBP-8011" in ran.err
    assert not two.with_name("a.svg").exists()
    ran = run("followup", "trajectory", two, "--svg", "a.svg", "--patient", PATIENT)
    assert ran.code == ExitCode.DONE


def test_a_picture_that_cannot_be_written_is_told(run: Run, records: Path) -> None:
    ran = run("followup", "trajectory", records, "--svg", "no/folder/a.svg")
    assert ran.code == ExitCode.WRONG_USE
    assert "FBP-8012" in ran.err


def test_goals_are_proposed_beside_what_is_recorded(run: Run, records: Path) -> None:
    out = run("followup", "goals", records, "--on", "2026-06-15").out
    assert out.splitlines() == [
        f"patient {PATIENT}, plan P-3, goal G1: Garden again",
        "  odi target 24; due 2026-06-30; judged on 2026-06-15; baseline 44 (2026-01-05); "
        "latest 40 (2026-02-02); to go 16; important change 10",
        "  proposed: no-change; recorded: improving",
        "  why: A change of 4 towards the better is less than the important change of 10.",
    ]
    (goal,) = run("followup", "goals", records, "--json").json["goals"]
    assert (goal["proposed"], goal["recorded"], goal["differs"]) == ("achieved", "achieved", False)


def test_proposals_are_fragments_to_accept(run: Run, records: Path) -> None:
    ran = run("followup", "goals", records, "--on", "2026-06-15", "--proposals")
    fragment = json.loads(ran.out)
    assert (fragment["record"], fragment["id"]) == ("care-plan", "P-3")
    assert [goal["achievement"] for goal in fragment["goals"]] == ["no-change"]
    assert run("followup", "goals", records, "--proposals").out == ""


@pytest.mark.parametrize("day", ["2026-02-30", "now", "2026-06"])
def test_a_day_that_is_none_is_refused(run: Run, records: Path, day: str) -> None:
    ran = run("followup", "goals", records, "--on", day)
    assert ran.code == ExitCode.WRONG_USE
    assert "FBP-8010" in ran.err


def test_changes_are_listed_with_their_reason(run: Run, records: Path) -> None:
    out = run("followup", "changes", records).out
    assert out.splitlines()[:7] == [
        f"patient {PATIENT}, source https://clinic.example/app",
        "  2026-01-05  plan P-1, active",
        "  2026-03-02  plan P-2, active, revises P-1",
        "    why: The pain has not changed.",
        "    ~ Garden again: target 20 -> 24",
        "    ~ exercise-therapy: frequency 2/week -> 3/week",
        "    ~ ibuprofen-200mg: dose 400 mg -> 600 mg",
    ]
    (history,) = run("followup", "changes", records, "--json").json["histories"]
    assert [version["plan"] for version in history["versions"]] == ["P-1", "P-2", "P-3", "P-4"]


def test_bad_records_are_told_and_the_others_shown(run: Run, tmp_path: Path) -> None:
    bad = observation("O-2", "2026-03-01", score=50, paim=1)
    file = write(tmp_path / "bad.ndjson", observation("O-1", "2026-02-02", score=40), bad)
    ran = run("followup", "trajectory", file)
    assert ran.code == ExitCode.DATA_PROBLEMS
    assert "bad.ndjson:2:1 at /paim" in ran.err
    assert "2026-02-02  40" in ran.out


def test_where_there_is_nothing_that_is_said(run: Run, records: Path) -> None:
    ran = run("followup", "changes", records, "--patient", "https://clinic.example/mrn|P-9")
    assert (ran.code, ran.out, ran.err) == (ExitCode.DONE, "", "Nothing to show.\n")


@pytest.mark.parametrize(
    "arguments", [(), ("--server", NOBODY), ("--server", NOBODY, "--patient", "P-1")]
)
def test_files_or_a_server_and_its_patient_are_needed(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("followup", "changes", *arguments).code == ExitCode.WRONG_USE


def test_a_server_tells_the_same_as_the_files(
    run: Run, tmp_path: Path, server: SandboxServer
) -> None:
    for number, record in enumerate(year()):
        file = write(tmp_path / f"{number}.ndjson", record)
        assert run("sync", file, "--server", server.base_url, "--patience", "5").code == 0
    files = write(tmp_path / "year.ndjson", *year())
    there = ("--server", server.base_url, "--patient", PATIENT)
    for words in (("changes",), ("goals",), ("trajectory",)):
        from_server = run("followup", *words, *there)
        from_files = run("followup", *words, files)
        assert (from_server.code, from_server.err) == (ExitCode.DONE, "")
        assert from_server.out == from_files.out


def test_a_patient_that_a_server_does_not_have_is_told(run: Run, server: SandboxServer) -> None:
    ran = run("followup", "changes", "--server", server.base_url, "--patient", PATIENT)
    assert ran.code == ExitCode.WRONG_USE
    assert "FBP-6151" in ran.err


def test_a_server_that_is_away_is_3(run: Run) -> None:
    ran = run("followup", "changes", "--server", NOBODY, "--patient", PATIENT)
    assert (ran.code, ran.out) == (ExitCode.SERVER_UNAVAILABLE, "")
