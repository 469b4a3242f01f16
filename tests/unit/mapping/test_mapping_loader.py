"""A folder of mappings, broken in every way: each is reported at its file and line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fhir_backpain.artifacts.finder import mappings_folder
from fhir_backpain.errors import ArtifactError, MappingFailed
from fhir_backpain.mapping.library import load_library
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.outcome import Issue
from fhir_backpain.record import RECORD_TYPES
from tests.records import assessment, care_plan, observation

CAUSE = "assessment/assessment-cause.map.yaml"
GOAL = "care-plan/care-plan-goal.map.yaml"
MEASURE = "observation/observation-measure.map.yaml"
ENCOUNTER = "record/record-encounter.map.yaml"
SHARED = "shared/common.yaml"
SITES = "concept-maps/body-site.yaml"
ODI = "instruments/odi.yaml"
SOPA = "instruments/sopa.yaml"
Break = Callable[[str, str, str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "mappings"
    shutil.copytree(mappings_folder(), copy)
    return copy


@pytest.fixture
def broken(folder: Path) -> Break:
    """Replace a text that stands once in a file."""

    def replace(file: str, old: str, new: str) -> None:
        path = folder / file
        text = path.read_text("utf-8")
        assert text.count(old) == 1, (file, old)
        path.write_text(text.replace(old, new), "utf-8")

    return replace


def findings(folder: Path) -> list[Issue]:
    with pytest.raises(ArtifactError) as caught:
        load_mapper(folder)
    return list(caught.value.issues)


def line_of(folder: Path, file: str, text: str) -> int:
    lines = (folder / file).read_text("utf-8").splitlines()
    (line,) = [number for number, line in enumerate(lines, 1) if text in line]
    return line


# (file, text to replace, by what, number of the message, part of its text, text on its line)
BROKEN = [
    (CAUSE, "=cause.onset", "=cause.onsett", 3003, "Did you mean onset", "=cause.onsett"),
    (CAUSE, "=cause.note", "=casue.note", 3003, "Did you mean cause", "=casue.note"),
    (CAUSE, "map: certainty", "map: certanty", 1103, "no concept map 'certanty'", "certanty"),
    (CAUSE, "problem-list-item}", "problem-list}", 1101, "no concept", "problem-list}"),
    (CAUSE, "{=use: security}", "{=use: sekurity}", 3005, "no fragment 'sek", "sekurity"),
    (CAUSE, "{=concept: cause.cause", "{=consept: cause.cause", 3001, "consept", "consept"),
    (CAUSE, "map: body-site}", "maps: body-site}", 3002, "no option 'maps'", "maps:"),
    (CAUSE, ", map: body-site}", "}", 3002, "needs 'map'", "{=concept: cause.site"),
    (CAUSE, "causes as cause", "cause as cause", 3003, "mean causes", None),
    (CAUSE, "causes as cause", "causes", 3002, "path as name", "for each"),
    (CAUSE, "=cause.side]", "=cause.sid]", 3003, "mean side", "=cause.sid]"),
    (CAUSE, "belongs to: patient", "belongs to: clinic", 1004, "person", "belongs to: clinic"),
    (CAUSE, "makes: Condition", "makes: Conditions", 1004, "makes one of", "Conditions"),
    (CAUSE, "source: assessment", "source: asessment", 3003, "no record type", None),
    (CAUSE, "resource:", "resources:", 1006, "'resources' is not known", "resources:"),
    (CAUSE, "makes: Condition\n", "", 1005, "'makes' is missing", None),
    (CAUSE, "key: [cause", "key: [[cause]", 3002, "words and =paths", "key: ["),
    (CAUSE, "key: [", "key: {a: [", 1002, "cannot be read", None),
    (CAUSE, "  subject: {", "  subject: 1\n  subject: {", 1003, "twice", "subject: {"),
    (CAUSE, "  subject: {", "  subject: &a {", 1002, "anchor", "&a"),
    (GOAL, "unit}", "units}", 1103, "no concept map 'measure-units'", "measure-units"),
    (GOAL, "is author,", "is autor,", 3006, "can never be there", "is autor"),
    (GOAL, "goal.due", "goals", 3004, "not a single value", "dueDate: =goals"),
    (MEASURE, "survey-value, score: =score", "survey-value", 3002, "takes these", "survey-value"),
    (MEASURE, "{=copy: status, else: final}", "{=copy: status, or: final}", 3002, "'or'", "or:"),
    (MEASURE, "key: [measure, =measure]", "key: [measure, =score]", 3004, "not text", "=score]"),
    (ENCOUNTER, "encounter is present", "encounter exists", 3006, "not a condition", None),
    (ENCOUNTER, "observation]", "observations]", 3003, "no record type 'observations'", None),
    (SHARED, "=schedule.duration\n", "=schedule.length\n", 3003, "no 'length'", "schedule.length"),
    (SHARED, "is: {=reference: Patient}", "si: {=reference: Patient}", 1006, "'si'", "si:"),
    (SHARED, "{=fixed: own.body-side}", "{=fixed: own.body}", 1101, "no concept", "own.body}"),
    (SITES, "site.neck", "site.nek", 1101, "Did you mean site.neck", "site.nek"),
    (SITES, "rows:", "row:", 1006, "'row' is not known", "row:"),
    (SITES, "concept map: body-site", "concept map: side", 3007, "'side' is declared twice", None),
    (SITES, "concept map: body-site", "concept map: scale", 3007, "'scale' is declared", None),
    (ODI, "func.odi.score", "func.odi.scor", 1101, "mean func.odi.score", "func.odi.scor"),
    (SOPA, "unit: unit.score", "unit: unit.scor", 1101, "no concept", "unit.scor"),
    (ODI, "range: [0, 100]", "range: [100, 0]", 1004, "begins below", "[100, 0]"),
    (ODI, "instrument: odi", "instrument: peg", 3007, "'peg' is declared twice", None),
    (SOPA, "  sopa-control: {", "  ndi: {", 3007, "measure 'ndi'", None),
    (ODI, "domain: function", "domain: functions", 1004, "must be one of", "functions"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "number", "words", "on_line"), BROKEN)
def test_a_broken_folder_is_reported_at_its_file_and_line(
    folder: Path,
    broken: Break,
    file: str,
    old: str,
    new: str,
    number: int,
    words: str,
    on_line: str | None,
) -> None:
    broken(file, old, new)
    found = findings(folder)
    # One mistake is not told as another; but what it keeps from being read is unmapped, too.
    assert {issue.number for issue in found} - {3008} == {number}
    issue = next(issue for issue in found if issue.number == number)
    assert words in issue.text
    assert issue.mapping is not None
    if on_line is not None:
        assert issue.mapping.file == str(folder / file)
        assert issue.mapping.line == line_of(folder, file, on_line)
    elif number != 3007:
        assert issue.mapping.file == str(folder / file)


def test_a_leaf_that_nothing_reads_is_reported(folder: Path, broken: Break) -> None:
    broken(CAUSE, "  onsetDateTime: =cause.onset\n", "")
    (issue,) = findings(folder)
    assert issue.number == 3008
    assert issue.text == "No mapping of 'assessment' reads or ignores 'causes[].onset'."
    assert str(issue.mapping) == "mappings/assessment:1:1"


def test_a_leaf_may_be_ignored_with_a_reason(folder: Path, broken: Break) -> None:
    reason = "ignore:\n  - {path: 'causes[].onset', because: kept elsewhere}\nresource:"
    broken(CAUSE, "  onsetDateTime: =cause.onset\n", "")
    broken(CAUSE, "resource:", reason)
    cause = {"cause": "sciatica", "certainty": "confirmed", "onset": "2020"}
    made = load_mapper(folder)(assessment(causes=[cause]))
    assert not any("2020" in resource.text for resource in made)


@pytest.mark.parametrize(
    ("entry", "number", "words"),
    [
        ("{path: 'causes[].onset', because: no}", 3026, "ignored and used"),
        ("{path: 'causes[].onset'}", 1005, "'because' is missing"),
        ("{path: x, because: no, then: what}", 1006, "'then' is not known"),
        ("causes", 1004, "Write {path"),
    ],
)
def test_a_wrong_entry_under_ignore_is_reported(
    folder: Path, broken: Break, entry: str, number: int, words: str
) -> None:
    broken(CAUSE, "resource:", f"ignore:\n  - {entry}\nresource:")
    issue = findings(folder)[0]
    assert (issue.number, words in issue.text) == (number, True)
    assert issue.mapping is not None
    assert issue.mapping.line == line_of(folder, CAUSE, f"- {entry}")


def test_everything_wrong_with_mappings_is_told_at_once(folder: Path, broken: Break) -> None:
    broken(CAUSE, "=cause.note", "=cause.nota")
    broken(GOAL, "=goal.start", "=goal.begin")
    broken(MEASURE, "source: observation", "sauce: observation")
    files = {issue.mapping.file.rpartition("/")[2] for issue in findings(folder) if issue.mapping}
    named = {Path(file).name for file in (CAUSE, GOAL, MEASURE)}
    assert named <= files


def test_two_mappings_of_one_name_are_reported(folder: Path) -> None:
    shutil.copy(folder / CAUSE, folder / "assessment/again.map.yaml")
    issues = findings(folder)
    assert [issue.number for issue in issues] == [3007]
    assert "'assessment-cause' is declared twice" in issues[0].text


def test_two_fragments_of_one_name_are_reported(folder: Path) -> None:
    (folder / "shared/more.yaml").write_text("fragments:\n  meta: {is: {a: 1}}\n")
    (issue,) = findings(folder)
    assert (issue.number, "'meta' is declared twice" in issue.text) == (3007, True)
    assert str(issue.mapping) == f"{folder}/shared/more.yaml:2:9"


def test_an_empty_or_missing_file_is_reported(folder: Path) -> None:
    (folder / CAUSE).write_text("")
    assert findings(folder)[0].text == "The file is empty."


def test_a_new_mapping_is_found_without_any_list(folder: Path) -> None:
    added = folder / "observation/observation-author-note.map.yaml"
    added.write_text(
        "mapping: observation-author-note\nsource: observation\nmakes: Observation\n"
        "when: note is present\nbelongs to: record\nkey: [note]\n"
        "resource: {status: final, code: {text: A note}, valueString: =note}\n"
    )
    before = load_mapper()(observation(score=1, note="n"))
    after = load_mapper(folder)(observation(score=1, note="n"))
    assert len(after) == len(before) + 1


def test_the_version_changes_with_any_shared_file_and_only_then(
    folder: Path, broken: Break
) -> None:
    version = load_library(folder).version
    assert version == load_library(folder).version == load_library().version
    broken(SITES, "concept map: body-site", "concept map:  body-site")
    assert load_library(folder).version != version


def test_the_shipped_mappings_compile_for_every_record_type() -> None:
    mapper = load_mapper()
    for record_type in RECORD_TYPES:
        assert {rule.makes for rule in mapper.rules(record_type)} >= {"Patient", "Provenance"}


@pytest.fixture(scope="module")
def mapper() -> Mapper:
    return load_mapper()


@pytest.mark.parametrize(
    "data",
    [
        observation(measure="startback-risk", score=3),
        observation(measure="odi", level="low"),
        assessment(examination=[{"finding": "tenderness", "value": 5}]),
        care_plan(goals=[{"id": "1", "measure": "startback-risk", "target": 1, "start": "2024",
                          "status": "active", "description": "x"}]),
    ],
    ids=["score of words", "level of numbers", "value of a sign", "target of words"],
)  # fmt: skip
def test_a_value_that_its_measure_cannot_have_fails_without_a_traceback(
    mapper: Mapper, data: dict[str, object]
) -> None:
    with pytest.raises(MappingFailed) as caught:
        mapper(data)
    (issue,) = caught.value.issues
    assert issue.number == 3009
    assert issue.mapping is not None
    assert issue.mapping.file.startswith("mappings/")


def test_an_unchecked_record_fails_with_an_issue(mapper: Mapper) -> None:
    data = assessment(causes=[{"certainty": "confirmed"}])
    with pytest.raises(MappingFailed) as caught:
        mapper(data)
    (issue,) = caught.value.issues
    assert issue.number == 3035
    assert "`cause`" in issue.text
    assert "$.causes[0]" in issue.text
