"""The real entry point, run in a folder of its own, and a copy of the shipped mappings there."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mapping_world import Ran, Run

from fhir_backpain.artifacts.finder import mappings_folder
from fhir_backpain.cli.main import main


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Run `main` with arguments in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    handler = signal.getsignal(signal.SIGTERM)

    def command(*arguments: str | Path) -> Ran:
        monkeypatch.setattr(sys, "argv", ["fhir-backpain", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        assert "Traceback" not in output.err
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, output.out, output.err)

    yield command
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped mappings."""
    copy = tmp_path / "own"
    shutil.copytree(mappings_folder(), copy)
    return copy
