"""mapping try: source and result, each leaf with its source, and what goes nowhere."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mapping_world import FEED, TABLE, replaced, write

from fhir_backpain.artifacts.finder import mappings_folder
from fhir_backpain.cli.mapping.attempt import Request, attempt
from fhir_backpain.cli.mapping.attempt_view import view
from fhir_backpain.cli.mapping.golden import GoldenCase
from fhir_backpain.cli.mapping.watch import watch
from fhir_backpain.mapping.mapper import load_mapper
from tests.command import Run
from tests.golden.case import cases
from tests.records import assessment, observation

ROOT = Path(__file__).parents[3]
ONSET = mappings_folder() / "assessment/assessment-pain-onset.map.yaml"
RECORD = assessment(
    recorded_at="2024-03-04T10:00:00Z",
    pain={"onset": "2019"},
    causes=[{"cause": "sciatica", "certainty": "confirmed"}],
)


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_each_element_is_shown_with_its_source(run: Run) -> None:
    write(Path("r.json"), RECORD)
    done = run("mapping", "try", ONSET, "r.json")
    assert done.code == 0
    assert '\n  valueDateTime  "2019"  <- /pain/onset\n' in done.out
    assert '\n  status  "final"\n' in done.out
    assert '\n+ /pain/onset  "2019"\n' in done.out
    assert '\n. /causes/0/cause  "sciatica"\n' in done.out
    assert "Condition/" not in done.out
    assert "Condition/" in run("mapping", "try", ONSET, "r.json", "--all").out


def test_two_columns_stand_where_they_fit_and_say_the_same(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(Path("r.json"), RECORD)
    below = run("mapping", "try", ONSET, "r.json").out
    monkeypatch.setenv("COLUMNS", "240")
    beside = run("mapping", "try", ONSET, "r.json").out
    assert max(map(len, beside.splitlines())) <= 240
    (line,) = [line for line in beside.splitlines() if line.startswith("record")]
    assert line.split() == ["record", "|", "FHIR"]
    assert sorted(below.split()) == sorted(word for word in beside.split() if word != "|")


def test_what_a_mapping_leaves_goes_nowhere(run: Run) -> None:
    write(Path("r.json"), RECORD)
    own = write(Path("own.map.yaml"), ONSET.read_text("utf-8"))
    assert run("mapping", "try", own, "r.json").code == 0
    replaced(own, "  valueDateTime: =pain.onset\n", "")
    replaced(own, "when: pain.onset is present\n", "")
    replaced(own, "https://fhir-backpain.org/fhir", "https://clinic.example/fhir")
    done = run("mapping", "try", own, "r.json")
    assert done.code == 1
    assert '! /pain/onset  "2019"  goes nowhere' in done.out
    assert "! 1 goes nowhere" in done.out


def test_a_mapping_that_makes_nothing_says_why(run: Run) -> None:
    write(Path("r.json"), assessment(), assessment())
    out = run("mapping", "try", ONSET, "r.json").out
    assert "nothing is made of this record\n  when: pain.onset is present" in out
    cause = mappings_folder() / "assessment/assessment-cause.map.yaml"
    assert "  for each: causes" in run("mapping", "try", cause, "r.json").out
    write(Path("o.json"), observation(score=1))
    assert "the mapping is for: assessment" in run("mapping", "try", cause, "o.json").out


def test_colours_tell_the_states_apart() -> None:
    case = next(case for case in cases() if str(case) == "assessment/everything-at-once")
    found = attempt(Request(ONSET, str(case.folder / "source.json")))
    lines = list(view(found, 200))
    assert any(line.startswith("\x1b[32m+ /pain/onset") for line in lines)
    assert any(line.startswith("\x1b[36m# /id") for line in lines)
    assert any(line.startswith("\x1b[34m? /test_data") for line in lines)


def test_a_wrong_record_shows_its_issues(run: Run) -> None:
    write(Path("r.json"), {**RECORD, "pain": {"onsett": "2019"}})
    done = run("mapping", "try", ONSET, "r.json")
    assert done.code == 1
    assert "FBP-4" in done.err
    assert "/pain/onsett" in done.out


def test_a_row_is_shown_with_its_columns_record_and_resources(run: Run) -> None:
    write(Path("f.feed.yaml"), FEED)
    write(Path("t.csv"), TABLE)
    done = run("mapping", "try", "f.feed.yaml", "t.csv")
    assert done.code == 0
    for text in (
        "t.csv, row 1 (line 2)",
        '+ odi    "44"  -> scores[0].score',
        '- by     "kb"  ignored: not clinical',
        "+ /scores/0/score  44",
        "  valueQuantity.value  44  <- /scores/0/score",
    ):
        assert text in done.out
    done = run("mapping", "try", "f.feed.yaml", "t.csv", "--row", "2")
    assert (done.code, "field visit" in done.err, '"2026-03-32"' in done.out) == (1, True, True)
    done = run("mapping", "try", "f.feed.yaml", "t.csv", "--row", "4")
    assert (done.code, "FBP-8205" in done.err) == (1, True)


def test_a_column_without_a_place_is_told(run: Run) -> None:
    write(Path("f.feed.yaml"), FEED)
    write(Path("t.csv"), "mrn,visit,odi,by,new\nP-1,2026-03-01,44,kb,n\n")
    done = run("mapping", "try", "f.feed.yaml", "t.csv")
    assert done.code == 1
    assert '! new    "n"  unmapped' in done.out
    assert "FBP-3024" in done.err


def test_a_parameter_of_a_feed_is_given(run: Run) -> None:
    text = FEED.replace("{=date: visit}", "=parameter.day").replace(
        "ignore:\n", "ignore:\n  - {path: visit, because: x}\n"
    )
    write(
        Path("f.feed.yaml"),
        text.replace('"{mrn}-{visit}"', '"{mrn}"') + "parameters: {day: date}\n",
    )
    write(Path("t.csv"), TABLE)
    assert run("mapping", "try", "f.feed.yaml", "t.csv").code == 2
    done = run("mapping", "try", "f.feed.yaml", "t.csv", "--set", "day=2026-01-02")
    assert (done.code, '/assessed_at  "2026-01-02"' in done.out) == (0, True)


def test_a_wrong_mapping_is_told_with_its_place(run: Run) -> None:
    write(Path("r.json"), RECORD)
    own = write(Path("own.map.yaml"), ONSET.read_text("utf-8"))
    line = replaced(own, "=pain.onset", "=pain.onsett")
    done = run("mapping", "try", own, "r.json")
    assert (done.code, done.err.startswith(f"own.map.yaml:{line}:")) == (2, True)


@pytest.mark.parametrize("case", [c for c in cases() if c.release == "R4"], ids=str)
def test_everything_that_a_golden_record_makes_is_shown(case: GoldenCase, run: Run) -> None:
    done = run("mapping", "try", ONSET, case.folder / "source.json", "--all")
    shown = {
        line.split()[0] for line in done.out.splitlines() if re.match(r"[A-Z]\w+/\S+ by ", line)
    }
    assert shown == {resource.url for resource in load_mapper()(case.source())}
    lost = [line.split()[1] for line in done.out.splitlines() if line.startswith("! /")]
    # Where a record makes only resources of its patient, nothing of its own is in any of them.
    assert lost in ([], ["/record", "/id", "/assessed_at"])
    assert (done.code, bool(case.one_way())) in ((0, False), (0, True), (1, True))


def test_watching_runs_again_after_each_change(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yaml", "1")
    runs: list[str] = []
    changes = iter(["22", None, "333", KeyboardInterrupt])

    def wait() -> None:
        change = next(changes)
        if change is KeyboardInterrupt:
            raise KeyboardInterrupt
        if change is not None:
            path.write_text(str(change))

    watch(lambda: [path], lambda: runs.append(path.read_text()), wait)
    assert runs == ["1", "22", "333"]


def test_a_change_while_it_runs_is_not_missed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yaml", "1")
    runs: list[str] = []

    def run_once() -> None:
        runs.append(path.read_text())
        if len(runs) == 1:
            path.write_text("22")

    def wait() -> None:
        raise KeyboardInterrupt

    watch(lambda: [path], run_once, wait)
    assert runs == ["1", "22"]


def test_a_file_that_goes_and_comes_back_is_seen(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yaml", "1")
    runs: list[bool] = []
    steps = iter([path.unlink, lambda: path.write_text("1"), None])

    def wait() -> None:
        step = next(steps)
        if step is None:
            raise KeyboardInterrupt
        step()

    watch(lambda: [path], lambda: runs.append(path.exists()), wait)
    assert runs == [True, False, True]


def test_the_command_watches_until_ctrl_c(tmp_path: Path) -> None:
    write(tmp_path / "f.feed.yaml", FEED)
    write(tmp_path / "t.csv", TABLE)
    command = [sys.executable, "-u", "-m", "fhir_backpain.cli", "mapping", "try"]
    process = subprocess.Popen(
        [*command, "f.feed.yaml", "t.csv", "--watch"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        until(process, "Waiting for a change")
        write(tmp_path / "t.csv", TABLE.replace("44", "46.5"))
        assert "valueQuantity.value  46.5" in until(process, "Waiting for a change")
        write(tmp_path / "f.feed.yaml", FEED.replace("=date", "=dat"))
        assert "FBP-3001" in until(process, "Waiting for a change")
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
        assert (process.returncode, "Traceback" in rest) == (0, False)
    finally:
        process.kill()
        process.wait()


def until(process: subprocess.Popen[str], text: str) -> str:
    """Return what a process writes up to the line with a text."""
    told = ""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.stdout is not None:
        line = process.stdout.readline()
        told += line
        if text in line:
            return told
        assert line, told
    raise AssertionError(told)
