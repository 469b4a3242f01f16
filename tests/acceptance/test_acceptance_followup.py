"""Follow-up and protocols as their users have them: processes, files and a server."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from command_line import run

from fhir_backpain.clinic.clinic import Clinic
from fhir_backpain.fhir.json_text import dump
from fhir_backpain.sandbox.server import SandboxServer
from tests.unit.followup.followup_world import PATIENT, year


def write(path: Path, records: list[dict[str, object]]) -> Path:
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    return path


def test_a_year_on_a_server_is_the_history_of_its_files(tmp_path: Path) -> None:
    records = year()
    with SandboxServer() as server:
        for record in records:
            write(tmp_path / "today.ndjson", [record])
            done = run("sync", "today.ndjson", "--server", server.base_url, folder=tmp_path)
            assert done.code == 0, done.err
        there = ("--server", server.base_url, "--patient", PATIENT)
        from_server = run("followup", "changes", *there, "--json", folder=tmp_path)
    write(tmp_path / "year.ndjson", records)
    from_files = run("followup", "changes", "year.ndjson", "--json", folder=tmp_path)
    assert (from_server.code, from_server.err) == (0, "")
    assert from_server.json == from_files.json
    (history,) = from_files.json["histories"]
    assert [len(one.get("changes", ())) for one in history["versions"]] == [0, 3, 2, 4]


def test_the_made_up_clinic_can_be_followed_up(tmp_path: Path) -> None:
    records = list(Clinic(patients=8).history())
    text = "".join(f"{dump(record)}\n" for record in records)
    (tmp_path / "clinic.ndjson").write_text(text, encoding="utf-8")
    (tmp_path / "back.ndjson").write_text("\n".join(reversed(text.splitlines())) + "\n", "utf-8")
    told = run("followup", "trajectory", "clinic.ndjson", "--json", folder=tmp_path)
    assert (told.code, told.err) == (0, "")
    found = told.json["trajectories"]
    assert {one["domain"] for one in found} >= {"pain", "function", "quality-of-life"}
    assert {one["verdict"] for one in found} >= {"better", "no important change", None}
    patient = records[0]["patient"]["identifier"]
    one = ("--patient", f"{patient['system']}|{patient['value']}")
    pictures = []
    for number, file in enumerate(("clinic.ndjson", "back.ndjson")):
        svg = f"{number}.svg"
        extra = {"PYTHONHASHSEED": str(number + 1)}
        done = run("followup", "trajectory", file, *one, "--svg", svg, folder=tmp_path, extra=extra)
        assert done.code == 0, done.err
        pictures.append((tmp_path / svg).read_bytes())
    assert pictures[0] == pictures[1]
    ElementTree.fromstring(pictures[0])
    assert str(patient["value"]).encode() not in pictures[0]
    goals = run("followup", "goals", "clinic.ndjson", "--json", folder=tmp_path)
    assert goals.code == 0
    assert any(goal["proposed"] == "achieved" for goal in goals.json["goals"])


def test_a_draft_reaches_a_server_only_as_a_draft(tmp_path: Path) -> None:
    first = next(
        record
        for record in Clinic(patients=40).history()
        if record["record"] == "assessment"
        and any(cause["cause"] == "low-back-strain" for cause in record.get("causes", ()))
        and not any(flag["present"] for flag in record.get("red_flags", ()))
    )
    (tmp_path / "visit.ndjson").write_text(f"{dump(first)}\n", encoding="utf-8")
    drafted = run("protocol", "apply", "muscle-strain", "visit.ndjson", folder=tmp_path)
    assert drafted.code == 0, drafted.err
    assert "draft for a clinician" in drafted.err
    (tmp_path / "draft.ndjson").write_text(drafted.out, encoding="utf-8")
    with SandboxServer() as server:
        files = ("visit.ndjson", "draft.ndjson")
        done = run("sync", *files, "--server", server.base_url, folder=tmp_path)
        assert done.code == 0, done.err
        identifier = first["patient"]["identifier"]
        patient = f"{identifier['system']}|{identifier['value']}"
        there = ("--server", server.base_url, "--patient", patient)
        shown = run("followup", "changes", *there, "--json", folder=tmp_path)
        judged = run("followup", "goals", *there, folder=tmp_path)
    assert shown.code == 0, shown.err
    (history,) = shown.json["histories"]
    assert [version["status"] for version in history["versions"]] == ["draft"]
    assert judged.out == ""  # What nobody accepted is not judged.
