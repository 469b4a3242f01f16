"""The generated pages say what the code says, and what a page points to is there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.artifacts.finder import profiles_folder

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "profiles/README.md"])
LINK = re.compile(r"\]\(([^()\s]+)\)")
FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)


def test_the_generated_pages_are_up_to_date() -> None:
    # A process of its own: other tests declare messages that the package does not have.
    command = [sys.executable, "-m", "docs.generate", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def local_links(page: Path) -> Iterator[str]:
    """Yield what a page points to in the repository, examples of code left out."""
    for link in LINK.findall(FENCED.sub("", page.read_text("utf-8"))):
        if "://" not in link and not link.startswith(("#", "mailto:")):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_points_to_is_there(page: Path) -> None:
    missing = [
        link for link in local_links(page) if not (page.parent / link.partition("#")[0]).exists()
    ]
    assert missing == []


def test_the_pages_point_to_other_files() -> None:
    """Else the test above would prove nothing."""
    assert len({link for page in PAGES for link in local_links(page)}) > 100


def profiles() -> dict[str, dict[str, Any]]:
    package = (profiles_folder() / "package").glob("StructureDefinition-*.json")
    found = [json.loads(file.read_text("utf-8")) for file in package]
    return {one["id"]: one for one in found if one["derivation"] == "constraint"}


def test_every_profile_has_its_page() -> None:
    pages = {page.stem for page in (ROOT / "docs/profiles").glob("*.md")} - {"README"}
    assert pages == set(profiles())


@pytest.mark.parametrize("profile", profiles().values(), ids=lambda profile: profile["id"])
def test_a_page_tells_all_that_a_profile_asks_for(profile: dict[str, Any]) -> None:
    page = (ROOT / f"docs/profiles/{profile['id']}.md").read_text("utf-8")
    must_support = [one["id"] for one in profile["snapshot"]["element"] if one.get("mustSupport")]
    own = [one["id"] for one in profile["differential"]["element"] if "." in one["id"]]
    rows = re.findall(r"^\| `([^`]+)` \| \d+\.\.[\d*]+ \|", page, re.MULTILINE)
    assert {*must_support, *own} - set(rows) == set()
    assert "\n## Made by\n" in page
    assert f'"{profile["url"]}"' in page.partition("\n## Example\n")[2]


def test_every_profile_is_made_by_a_mapping() -> None:
    pages = (ROOT / "docs/profiles").glob("backpain-*.md")
    silent = [page.stem for page in pages if "../../mappings/" not in page.read_text("utf-8")]
    assert silent == []
