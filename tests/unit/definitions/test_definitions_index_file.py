"""A damaged index is a problem of the installation, told as one."""

from __future__ import annotations

from importlib.resources import files

import pytest

from fhir_backpain.definitions.index_file import read_index
from fhir_backpain.errors import ArtifactError

HEAD = '{"format":1,"release":"R4"}'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}\n",
        b'{"format":2}\n',
        HEAD.encode() + b'\n{"path":"Observation.sta',
        HEAD.encode() + b'\n{"something":1}\n',
        HEAD.encode() + b"\n5\n",
        b"\xff\xfe\n",
    ],
)
def test_a_damaged_file_is_refused(tmp_path, content):
    file = tmp_path / "r4.jsonl"
    file.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"FBP-4802.*r4\.jsonl cannot be read.*Install"):
        read_index(file)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match="FBP-4802"):
        read_index(tmp_path / "r4.jsonl")


@pytest.mark.parametrize("name", ["r4.jsonl", "r4b.jsonl", "r5.jsonl"])
def test_every_line_of_a_shipped_file_is_kept(name):
    file = files("fhir_backpain.definitions") / "data" / name
    index = read_index(file)
    kept = (
        1
        + len(index.types)
        + len(index.elements)
        + sum(len(rules) for rules in index.invariants.values())
        + len(index.value_sets)
    )
    assert kept == len(file.read_text(encoding="utf-8").splitlines())
