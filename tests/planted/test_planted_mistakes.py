"""Every planted mistake is found where it stands, and nothing else is told.

A case is a folder ``tests/planted/<nn>-<claim>``. It holds one file of the mappings with one
mistake, marked ``# planted:``, at its place below ``mappings``, and ``expected.yaml``: file, line
and number of the finding and a word of its text. There, ``release`` and ``feed`` say what is loaded
(R4 without them), ``reported at`` why the finding stands at another line than the mark, and
``also`` lists what follows from the mistake. A case that fails after a mapping was changed holds an
old copy of it.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from fhir_backpain.artifacts.finder import mappings_folder
from fhir_backpain.errors import ArtifactError
from fhir_backpain.mapping.feed import read_feed
from fhir_backpain.mapping.mapper import load_mapper

ROOT = Path(__file__).parent
MARK = "# planted:"


@dataclass(frozen=True, slots=True)
class Planted:
    """One case."""

    folder: Path

    @property
    def expected(self) -> dict[str, Any]:
        """What must be found."""
        found: dict[str, Any] = yaml.safe_load((self.folder / "expected.yaml").read_text("utf-8"))
        return found

    @property
    def files(self) -> list[Path]:
        """The changed files, relative to the mappings."""
        found = [path for path in self.folder.rglob("*") if path.is_file()]
        return [path.relative_to(self.folder) for path in found if path.name != "expected.yaml"]

    def marks(self) -> list[tuple[str, int]]:
        """Return the file and line of each mark."""
        return [
            (file.as_posix(), number)
            for file in self.files
            for number, line in enumerate((self.folder / file).read_text("utf-8").splitlines(), 1)
            if MARK in line
        ]

    def __str__(self) -> str:
        return self.folder.name


CASES = [Planted(path.parent) for path in sorted(ROOT.glob("*/expected.yaml"))]
EVERY = pytest.mark.parametrize("case", CASES, ids=str)


def load(expected: dict[str, Any], folder: Path) -> None:
    """Load what the case is about, as a user would."""
    if "feed" in expected:
        read_feed(folder / expected["feed"])
    else:
        load_mapper(folder, release=expected.get("release", "R4"))


def findings(case: Planted, folder: Path) -> list[tuple[str, int, int, str]]:
    """Return file, line, number and text of each finding in a copy of the shipped mappings."""
    shutil.copytree(mappings_folder(), folder)
    shutil.copytree(case.folder, folder, dirs_exist_ok=True)
    (folder / "expected.yaml").unlink()
    with pytest.raises(ArtifactError) as caught:
        load(case.expected, folder)
    found = []
    for issue in caught.value.issues:
        assert issue.is_error
        assert issue.next_step
        assert issue.mapping is not None
        file = issue.mapping.file.removeprefix(f"{folder}/")
        found.append((file, issue.mapping.line, issue.number, issue.text))
    return found


@EVERY
def test_the_mistake_is_found_at_its_line_and_nothing_else_is(
    case: Planted, tmp_path: Path
) -> None:
    found = findings(case, tmp_path / "mappings")
    expected = [case.expected, *case.expected.get("also", [])]
    places = [(one["file"], one["line"], one["number"]) for one in expected]
    assert sorted(one[:3] for one in found) == sorted(places), "\n".join(map(str, found))
    for one in expected:
        place = (one["file"], one["line"], one["number"])
        assert any(other[:3] == place and one["word"] in other[3] for other in found), one


@EVERY
def test_the_mark_stands_where_the_finding_does(case: Planted) -> None:
    expected = case.expected
    ((file, line),) = case.marks()
    assert len(case.files) == 1
    assert (mappings_folder() / file).is_file()
    is_there = (file, line) == (expected["file"], expected["line"])
    assert is_there != ("reported at" in expected)


def test_there_are_cases_of_every_kind_of_finding() -> None:
    assert len(CASES) >= 105
    numbers = {case.expected["number"] for case in CASES}
    assert numbers >= {
        *range(3001, 3009),
        3026,
        *range(3040, 3049),
        *range(3060, 3070),
        1003,
        1004,
        1005,
        1101,
        1103,
    }


@pytest.mark.parametrize("release", ["R4", "R4B", "R5"])
def test_the_shipped_mappings_have_no_finding(release: str) -> None:
    assert load_mapper(release=release).types


@pytest.mark.parametrize(
    "path", sorted((mappings_folder() / "feeds").glob("*.feed.yaml")), ids=lambda path: path.name
)
def test_the_shipped_feeds_have_no_finding(path: Path) -> None:
    assert read_feed(path).columns
