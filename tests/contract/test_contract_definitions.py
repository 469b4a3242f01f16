"""The shipped index is what its script makes of its sources, byte for byte."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner

from fhir_backpain.toolchain.problem import RegistryUnreachableError, ToolMissingError
from servers.definitions.__main__ import main
from servers.definitions.jar import download

pytestmark = [pytest.mark.validator, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory) -> Path:
    try:
        download()
    except (ToolMissingError, RegistryUnreachableError) as problem:
        if os.environ.get("FHIR_BACKPAIN_REQUIRE_SERVERS"):
            raise
        pytest.skip(str(problem))
    folder = tmp_path_factory.mktemp("definitions")
    built = CliRunner().invoke(main, ["build", "--folder", str(folder)])
    assert built.exit_code == 0, built.output
    return folder


@pytest.mark.parametrize("name", ["r4.jsonl", "r4b.jsonl", "r5.jsonl"])
def test_rebuilding_gives_the_same_bytes(rebuilt, name):
    shipped = files("fhir_backpain.definitions") / "data" / name
    assert (rebuilt / name).read_bytes() == shipped.read_bytes()


def test_nothing_else_is_shipped(rebuilt):
    shipped = (files("fhir_backpain.definitions") / "data").iterdir()
    assert {file.name for file in shipped} == {file.name for file in rebuilt.iterdir()}
