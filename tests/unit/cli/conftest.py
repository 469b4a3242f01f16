"""Records of the command line's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_world import observation, write


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A file of two good records of one patient and one of another."""
    records = (observation("R-1"), observation("R-2"), observation("R-3", "P-2"))
    return write(tmp_path / "good.ndjson", *records)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A file whose second record has an unknown field."""
    records = (observation("R-1"), observation("R-2", paim=1), observation("R-3", "P-2"))
    return write(tmp_path / "mixed.ndjson", *records)
