"""mapping new: every file is good but for the places that are marked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from mapping_world import replaced, write

from fhir_backpain.artifacts.located_yaml import plain, read_yaml
from fhir_backpain.mapping.language_schema import language_schema
from fhir_backpain.record import RECORD_TYPES
from tests.command import Run

HEADER = "mrn;visit;odi;PAIN NRS;typed by;yes\n"


def only_placeholders(run: Run, path: Path | str, release: str = "all") -> int:
    """Check a file; return how many places are left to write, and that nothing else is wrong."""
    findings = run("mapping", "check", path, "--release", release, "--json").json["findings"]
    assert {item["number"] for item in findings} <= {"FBP-8202"}, findings
    return len(findings)


@pytest.mark.parametrize("makes", RECORD_TYPES)
def test_a_feed_has_a_line_for_each_column(run: Run, makes: str) -> None:
    write(Path("t.csv"), HEADER)
    done = run("mapping", "new", "feed", "scores", "--table", "t.csv", "--makes", makes)
    assert (done.code, done.out) == (0, "scores.feed.yaml\n")
    assert only_placeholders(run, "scores.feed.yaml") >= 5 + 4
    tree = plain(read_yaml(Path("scores.feed.yaml")))
    ignored = [item["path"] for item in tree["ignore"]]
    scores = [item["score"]["=number"] for item in tree["record"].get("scores", [])]
    assert sorted([*ignored, *scores]) == sorted(HEADER.strip().split(";"))
    assert scores == (["odi", "PAIN NRS"] if makes == "assessment" else [])


def test_a_feed_whose_places_are_written_reads_its_table(run: Run) -> None:
    write(Path("t.csv"), HEADER + "P-1;2026-03-01;44;7;x;z\n")
    run("mapping", "new", "feed", "scores", "--table", "t.csv")
    path = Path("scores.feed.yaml")
    lines = path.read_text("utf-8").splitlines()
    values = {
        "  id:": '{=text: "{mrn}-{visit}"}', "  source:": "https://clinic.example/t",
        "      system:": "https://clinic.example/mrn", "      value:": "=mrn",
        "  assessed_at:": "{=date: visit}",
    }  # fmt: skip
    written = []
    for line in lines:
        key = next((key for key in values if line.startswith(key)), None)
        if not line.startswith(("  - {path: mrn", "  - {path: visit", "# What")):
            written.append(f"{key} {values[key]}" if key else line.replace("EDIT: map", "map"))
    path.write_text("\n".join(written), "utf-8")
    done = run("mapping", "check", path)
    assert (done.code, done.out) == (0, "")
    assert run("validate", "t.csv", "--feed", path).code == 0


def test_a_feed_without_a_table_and_one_of_a_wrong_table(run: Run) -> None:
    assert run("mapping", "new", "feed", "empty").code == 0
    assert only_placeholders(run, "empty.feed.yaml") == 5
    Path("t.csv").write_bytes("größe,odi\n".encode("latin-1"))
    assert run("mapping", "new", "feed", "a", "--table", "t.csv").code == 1
    assert not Path("a.feed.yaml").exists()
    done = run("mapping", "new", "feed", "a", "--table", "t.csv", "--encoding", "latin-1")
    assert done.code == 0
    assert 'path: "größe"' in Path("a.feed.yaml").read_text("utf-8")
    assert "encoding: latin-1" in Path("a.feed.yaml").read_text("utf-8")


@pytest.mark.parametrize("source", RECORD_TYPES)
def test_a_mapping_conforms_in_every_release(run: Run, folder: Path, source: str) -> None:
    done = run("mapping", "new", "mapping", f"{source}-new", "--folder", folder)
    path = folder / source / f"{source}-new.map.yaml"
    assert done.out == f"{path}\n"
    assert only_placeholders(run, path) == 1
    assert only_placeholders(run, folder) == 1
    replaced(path, "EDIT: ", "")
    assert run("mapping", "check", folder, "--release", "all").code == 0


def test_an_instrument_brings_its_concept_along(run: Run, folder: Path) -> None:
    options = ("--folder", folder, "--title", 'A "new" one')
    done = run("mapping", "new", "instrument", "new-one", *options)
    assert done.code == 0
    assert only_placeholders(run, folder) == 3
    system = json.loads((folder / "CodeSystem-clinic.json").read_text("utf-8"))
    assert system["concept"] == [{"code": "new-one", "display": 'A "new" one score'}]
    done = run("mapping", "new", "instrument", "another", "--folder", folder)
    assert '"code": "another"' in done.err
    assert "no concept 'clinic.another'" in run("mapping", "check", folder).out


def test_an_instrument_of_a_known_concept_needs_no_other_file(run: Run) -> None:
    assert run("mapping", "new", "instrument", "x", "--code", "psy.phq2.total").code == 0
    assert not list(Path().glob("CodeSystem*"))
    assert only_placeholders(run, "x.yaml") == 2
    done = run("mapping", "new", "instrument", "y")
    assert "belongs into a mappings folder" in done.err


def test_a_concept_map_shows_both_forms(run: Run, folder: Path) -> None:
    run("mapping", "new", "concept-map", "new-words", "--folder", folder)
    assert only_placeholders(run, folder / "concept-maps/new-words.yaml") == 1


def test_a_folder_is_a_copy_that_compiles(run: Run) -> None:
    done = run("mapping", "new", "folder", "own")
    assert (done.code, done.out) == (0, "own\n")
    assert run("mapping", "check", "own", "--release", "all").code == 0


def test_nothing_is_ever_overwritten(run: Run) -> None:
    for kind in ("feed", "mapping", "instrument", "concept-map", "folder"):
        assert run("mapping", "new", kind, f"a-{kind}").code == 0
        done = run("mapping", "new", kind, f"a-{kind}")
        assert (done.code, "FBP-8203" in done.err) == (2, True)


@pytest.mark.parametrize("name", ["Big", "a b", "../x", "-a", "a--b", "ä"])
def test_a_name_is_a_word_of_small_letters(run: Run, name: str) -> None:
    done = run("mapping", "new", "feed", "--", name)
    assert (done.code, "FBP-8204" in done.err) == (2, True)
    assert not list(Path().iterdir())


def test_each_new_file_points_its_editor_to_the_schema(run: Run, folder: Path) -> None:
    validator = Draft202012Validator(language_schema())
    for kind in ("feed", "mapping", "instrument", "concept-map"):
        for where in (Path(), folder):
            out = run("mapping", "new", kind, "assessment-x", "--folder", where).out
            path = Path(out.splitlines()[0])
            hint = path.read_text("utf-8").splitlines()[0]
            shown = hint.removeprefix("# yaml-language-server: $schema=")
            assert json.loads((path.parent / shown).read_text("utf-8")) == language_schema()
            validator.validate(plain(read_yaml(path)))
            path.unlink()
