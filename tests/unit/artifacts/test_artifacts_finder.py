"""The finder knows where the shipped files are, and shows them by their short name."""

from pathlib import Path

from fhir_backpain.artifacts.finder import (
    mappings_folder,
    profiles_folder,
    schema_folder,
    shown_path,
)


def test_the_folders_hold_what_is_shipped() -> None:
    assert list(mappings_folder().glob("*/*.map.yaml"))
    assert (profiles_folder() / "package" / "CodeSystem-backpain.json").is_file()
    assert (schema_folder() / "common.schema.json").is_file()


def test_a_shipped_file_is_shown_by_its_name_below_the_root(tmp_path: Path) -> None:
    assert shown_path(mappings_folder() / "shared/common.yaml") == "mappings/shared/common.yaml"
    outside = tmp_path / "m.yaml"
    assert shown_path(outside) == str(outside)
