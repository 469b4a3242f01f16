"""mapping check: findings with places that an editor can jump to, and exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mapping_world import FEED, replaced, write

from tests.command import Run

CAUSE = "assessment/assessment-cause.map.yaml"
PLACE = re.compile(r"^\S+:\d+:\d+: error FBP-\d+: .+ Next: .+$")


def test_the_shipped_mappings_are_checked_for_every_release(run: Run) -> None:
    done = run("mapping", "check", "--release", "all")
    assert (done.code, done.out) == (0, "")
    assert "Nothing is wrong (R4, R4B, R5)." in done.err


def test_every_finding_of_a_folder_is_a_line_with_its_place(run: Run, folder: Path) -> None:
    line = replaced(folder / CAUSE, "=cause.note", "=cause.nota")
    sites = replaced(folder / "concept-maps/body-site.yaml", "site.neck", "site.nek")
    unit = replaced(folder / "instruments/odi.yaml", "domain: function", "domain: functions")
    done = run("mapping", "check", "own")
    assert done.code == 2
    lines = done.out.splitlines()
    assert all(PLACE.match(text) for text in lines)
    assert f"own/concept-maps/body-site.yaml:{sites}:" in done.out
    assert f"own/instruments/odi.yaml:{unit}:" in done.out
    replaced(folder / "concept-maps/body-site.yaml", "site.nek", "site.neck")
    replaced(folder / "instruments/odi.yaml", "domain: functions", "domain: function")
    done = run("mapping", "check", "own")
    assert f"own/{CAUSE}:{line}:" in done.out
    assert "Did you mean note" in done.out


def test_a_finding_of_one_release_names_it(run: Run, folder: Path) -> None:
    delta = folder / "releases/r5.delta.yaml"
    replaced(
        delta, "    period: null\n", "    period: null\n    perood: {start: =encounter.start}\n"
    )
    assert run("mapping", "check", "own").code == 0
    done = run("mapping", "check", "own", "--release", "all")
    assert done.code == 2
    assert done.out.rstrip().endswith("(in R5)")
    assert "perood" in done.out


def test_what_keeps_a_mapping_from_being_read_is_told_in_every_release(
    run: Run, folder: Path
) -> None:
    replaced(folder / CAUSE, "makes: Condition\n", "")
    for release in ("R4", "R5"):
        assert "'makes' is missing" in run("mapping", "check", "own", "--release", release).out


def test_the_findings_as_json(run: Run, folder: Path) -> None:
    line = replaced(folder / CAUSE, "=cause.note", "=cause.nota")
    done = run("mapping", "check", "own", "--json")
    (found,) = [item for item in done.json["findings"] if item["line"] == line]
    assert found["file"] == f"own/{CAUSE}"
    assert (found["number"], found["severity"]) == ("FBP-3003", "error")
    assert found["releases"] == []


def test_a_file_is_laid_over_the_folder_around_it(run: Run, folder: Path) -> None:
    assert run("mapping", "check", folder / CAUSE).code == 0
    write(folder / "CodeSystem-x.json", {
        "resourceType": "CodeSystem", "id": "x", "url": "https://clinic.example/x",
        "concept": [{"code": "a", "display": "A"}],
    })  # fmt: skip
    replaced(folder / "instruments/odi.yaml", "func.odi.score", "x.a")
    assert run("mapping", "check", folder / "instruments/odi.yaml").code == 0


def test_a_file_alone_is_laid_over_the_shipped_mappings(run: Run, folder: Path) -> None:
    alone = Path("odi.yaml")
    alone.write_bytes((folder / "instruments/odi.yaml").read_bytes())
    assert run("mapping", "check", alone).code == 0
    replaced(alone, "func.odi.score", "func.odi.scor")
    done = run("mapping", "check", alone)
    assert done.code == 2
    assert done.out.startswith("odi.yaml:8:")
    assert run("mapping", "check", alone, "--mappings", folder).code == 2


def test_a_feed_is_checked_with_its_words(run: Run) -> None:
    write(Path("f.feed.yaml"), FEED)
    assert run("mapping", "check", "f.feed.yaml").code == 0
    replaced(Path("f.feed.yaml"), "measure: odi", "measure: odii")
    done = run("mapping", "check", "f.feed.yaml")
    assert done.code == 2
    assert done.out.startswith("f.feed.yaml:11:17: error FBP-4023")
    assert 'Did you mean "odi"' in done.out


def test_the_words_of_a_table_in_a_feed_are_checked_at_their_row(run: Run) -> None:
    table = "{=word: by, table: {A: odi, B: ndii, C: =parameter.p}}"
    text = FEED.replace("measure: odi,", f"measure: {table},").replace("ignore:\n", "")
    text = text.replace("  - {path: by, because: not clinical}\n", "parameters: {p: text}\n")
    write(Path("f.feed.yaml"), text)
    done = run("mapping", "check", "f.feed.yaml")
    (line,) = done.out.splitlines()
    column = text.splitlines()[10].index("ndii") + 1
    assert line.startswith(f"f.feed.yaml:11:{column}: ")


def test_a_folder_of_feeds_needs_no_mappings(run: Run) -> None:
    write(Path("feeds/a.feed.yaml"), FEED)
    assert run("mapping", "check", "feeds").code == 0
    write(Path("feeds/b.feed.yaml"), FEED.replace("=date", "=dat"))
    assert run("mapping", "check", "feeds").out.startswith("feeds/b.feed.yaml:9:")


def test_a_folder_without_mappings_and_a_file_of_no_kind(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run("mapping", "check", "empty")
    assert (done.code, "FBP-3054" in done.out) == (2, True)
    write(Path("x.yaml"), "something: else\n")
    done = run("mapping", "check", "x.yaml")
    assert (done.code, "x.yaml:1:1: error FBP-3050" in done.out) == (2, True)


def test_a_path_that_is_not_there_is_wrong_use(run: Run) -> None:
    done = run("mapping", "check", "nowhere")
    assert (done.code, "There is no file or folder nowhere" in done.err) == (2, True)


@pytest.mark.parametrize("name", ["back", "check", "explain", "new", "test", "try"])
def test_each_command_has_examples_in_its_help(run: Run, name: str) -> None:
    done = run("mapping", name, "--help")
    assert done.code == 0
    assert "Examples:\n    fhir-backpain mapping" in done.out
