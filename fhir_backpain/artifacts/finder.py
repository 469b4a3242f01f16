"""Finds the folders of shipped artifacts, in a checkout or in an installed wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


@cache
def _root() -> Path:
    installed = _PACKAGE / "_artifacts"
    return installed if installed.is_dir() else _PACKAGE.parent


def mappings_folder() -> Path:
    """Return the folder that holds the shipped mappings."""
    return _root() / "mappings"


def profiles_folder() -> Path:
    """Return the folder that holds the shipped profiles and code systems."""
    return _root() / "profiles"


def schema_folder() -> Path:
    """Return the folder that holds the JSON Schemas of the record types."""
    return _PACKAGE / "schemas"


def shown_path(path: Path) -> str:
    """Return a path as a person should see it: shipped files by their name below the root."""
    try:
        return path.resolve().relative_to(_root()).as_posix()
    except ValueError:
        return str(path)
