"""The how-to pages are followed to the letter: their commands are run, their output is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted((ROOT / "docs/howto").glob("*.md"))
_BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A folder with the program under the name that the pages use, before the others."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "fhir-backpain"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m fhir_backpain.cli "$@"\n')
    program.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_there_are_pages() -> None:
    assert {page.stem for page in PAGES} >= {"add-an-instrument", "add-a-feed"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_steps_of_the_page_do_what_it_says(page: Path, tmp_path: Path, path: str) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    kept = {name: text for name, text in os.environ.items() if not name.startswith("FHIR_BACKPAIN")}
    environment = {**kept, "PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    told = ""
    blocks = _BLOCK.findall(page.read_text("utf-8"))
    assert {kind for kind, _ in blocks} == {"sh", "text"}
    for kind, text in blocks:
        if kind == "text":
            for line in text.splitlines():
                assert line in told
            continue
        done = subprocess.run(
            ["sh", "-e"],
            input=text,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
            timeout=120,
        )
        told = done.stdout
        assert done.returncode == 0, told
