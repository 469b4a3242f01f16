"""The real entry point, run in a folder of its own, and a real sandbox server."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_world import Ran, Run, observation, write

from fhir_backpain.cli.main import main
from fhir_backpain.sandbox.server import SandboxServer


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
def server() -> Iterator[SandboxServer]:
    with SandboxServer() as running:
        yield running


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
