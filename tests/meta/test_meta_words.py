"""The repository speaks of the product alone: no place of one machine, no registry's host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_SKIPPED = {".git", ".cache", "build", "dist", "demo-output", "node_modules", "target"}
_SUFFIXES = {
    ".py", ".md", ".toml", ".yaml", ".yml", ".json", ".csv", ".sql", ".html", ".txt", ".xml",
    ".cfg", ".ini", ".sh", ".java", ".js", ".css", "",
}  # fmt: skip
# Written in halves, so that this file does not hold them itself.
FORBIDDEN = [
    "/wo" + "rk/", "/tmp/" + "helpers", "/ho" + "me/", "/ro" + "ot/",
    "pypi" + ".org", "python" + "hosted", "npmjs" + ".", "crates" + ".io",
    "repo.maven" + ".apache", "repo1" + ".maven", "proxy.golang" + ".org", "rubygems" + ".org",
]  # fmt: skip


def files() -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        hidden = any(part.startswith(".venv") or (part.startswith(".")
                     and part.endswith(("_cache", "hypothesis"))) for part in parts)  # fmt: skip
        if hidden or _SKIPPED & set(parts) or "__pycache__" in parts:
            continue
        if path.is_file() and path.suffix in _SUFFIXES and path.stat().st_size < 2_000_000:
            yield path


@pytest.mark.parametrize("word", FORBIDDEN)
def test_no_file_names_a_place_outside_the_product(word: str) -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in files()
        if word in path.read_text("utf-8", errors="ignore")
    ]
    assert found == []


def test_the_walk_finds_the_files_of_every_part() -> None:
    there = {path.relative_to(ROOT).parts[0] for path in files()}
    assert {"fhir_backpain", "mappings", "profiles", "tests", "README.md", "NOTICE"} <= there
