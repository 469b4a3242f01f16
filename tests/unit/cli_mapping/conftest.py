"""A copy of the shipped mappings in a folder of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fhir_backpain.artifacts.finder import mappings_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped mappings."""
    copy = tmp_path / "own"
    shutil.copytree(mappings_folder(), copy)
    return copy
