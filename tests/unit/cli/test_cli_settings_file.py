"""Options from a file: what comes before what, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def settings(tmp_path: Path) -> Any:
    def write(text: str) -> Path:
        path = tmp_path / "settings.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_what_is_typed_comes_before_the_environment_and_that_before_the_file(
    run: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = settings('[access.add]\nrole = "reader"\ndays = 7\n')
    run("--settings", path, "access", "add", "a")
    monkeypatch.setenv("FHIR_BACKPAIN_ACCESS_ADD_ROLE", "sender")
    run("--settings", path, "access", "add", "b")
    run("--settings", path, "access", "add", "c", "--role", "operator")
    found = run("access", "list", "--json").json["accesses"]
    assert [(one["name"], one["role"]) for one in found] == [
        ("a", "reader"),
        ("b", "sender"),
        ("c", "operator"),
    ]
    assert all(one["expiresAt"] for one in found)


def test_the_file_can_be_named_by_the_environment(
    run: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = settings('[access.add]\nrole = "reader"\noutbox = "other.sqlite"\n')
    monkeypatch.setenv("FHIR_BACKPAIN_SETTINGS", str(path))
    assert run("access", "add", "a").code == 0
    assert (tmp_path / "other.sqlite").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[serv]\n", "[serv] is no command"),
        ("serve = 1\n", "[serve] is no command"),
        ("[serve]\nsever = 'x'\n", "did you mean 'server'?"),
        ("[outbox.list]\nlimt = 1\n", "did you mean 'limit'?"),
        ("[serve]\nserver = \n", "is no TOML"),
        ("[access.add]\nrole = 'king'\n", "king"),
    ],
)
def test_what_is_no_setting_is_told(run: Any, settings: Any, text: str, told: str) -> None:
    ran = run("--settings", settings(text), "access", "add", "a")
    assert ran.code == 2
    assert told in ran.err


def test_a_file_that_is_not_there_is_told(run: Any) -> None:
    ran = run("--settings", "nowhere.toml", "access", "list")
    assert ran.code == 2
    assert "FBP-8014" in ran.err
