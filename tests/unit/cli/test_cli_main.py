"""Help, exit codes and settings that are the same for every command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from cli_world import FEED, NOBODY

from fhir_backpain import errors
from fhir_backpain.cli import status_command
from fhir_backpain.cli.exit_codes import EXIT_CODE_HELP, ExitCode, exit_code_of
from fhir_backpain.cli.main import COMMANDS, group
from fhir_backpain.outcome import Message
from tests.command import Run


def every_command(command: click.Command, *words: str) -> Iterator[tuple[str, click.Command]]:
    """Yield each command below one with the words that call it."""
    if not isinstance(command, click.Group):
        yield " ".join(words), command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from every_command(found, *words, name)


EVERY = [pytest.param(words, command, id=words) for words, command in every_command(group)]


def options_of(command: click.Command) -> list[click.Option]:
    return [parameter for parameter in command.params if isinstance(parameter, click.Option)]


@pytest.mark.parametrize(("words", "command"), EVERY)
def test_help_has_examples_whose_options_exist(
    run: Run, words: str, command: click.Command
) -> None:
    ran = run(*words.split(), "--help")
    assert ran.code == 0
    examples = ran.out.partition("Examples:\n")[2].partition("\n\n")[0]
    calls = re.findall(rf"^    fhir-backpain {words}\b.*", examples, re.MULTILINE)
    assert calls
    known = {flag for option in options_of(command) for flag in option.opts} | {"--help"}
    for call in calls:
        assert set(re.findall(r"(?<!\S)--[a-z-]+", call)) <= known


@pytest.mark.parametrize(("words", "command"), EVERY)
def test_every_option_is_explained(words: str, command: click.Command) -> None:
    for option in options_of(command):
        assert option.help, option.opts
        assert option.help.endswith("."), option.opts


@pytest.mark.parametrize(("words", "command"), EVERY)
def test_every_option_has_a_variable_of_its_name(words: str, command: click.Command) -> None:
    for option in options_of(command):
        typed = f"{words}_{max(option.opts, key=len)[2:]}"
        assert option.envvar == f"FHIR_BACKPAIN_{re.sub('[ -]', '_', typed).upper()}"


def test_the_program_without_a_command_explains_itself(run: Run) -> None:
    ran = run()
    assert ran.code == ExitCode.WRONG_USE
    assert ran.out == ""
    for name in COMMANDS:
        assert re.search(rf"^  {name} +\S", ran.err, re.MULTILINE)


def test_help_explains_every_exit_code(run: Run) -> None:
    out = run("--help").out
    for code in ExitCode:
        assert re.search(rf"^ +{code.value} +\S", out, re.MULTILINE)
        assert str(code.value) in EXIT_CODE_HELP


def test_version_is_told(run: Run) -> None:
    ran = run("--version")
    assert ran.code == 0
    assert re.fullmatch(r"fhir-backpain, version \d+\.\d+\.\d+\n", ran.out)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nosuch"],
        ["sync"],
        ["sync", "good.ndjson"],
        ["map"],
        ["map", "good.ndjson", "--as", "xml"],
        ["map", "good.ndjson", "--nosuch"],
        ["map", "good.ndjson", "--max-issues", "-1"],
        ["sync", "good.ndjson", "--server", NOBODY, "--bundle-size", "0"],
        ["sync", "good.ndjson", "--server", NOBODY, "--patience", "-1"],
        ["sync", "good.ndjson", "--server", NOBODY, "--patience", "nan"],
        ["status", "--limit", "-1"],
        ["serve"],
        ["serve", "--server", NOBODY, "--port", "x"],
    ],
    ids=" ".join,
)
def test_wrong_arguments_end_with_2_and_a_hint(run: Run, good: Path, arguments: list[str]) -> None:
    ran = run(*arguments)
    assert ran.code == ExitCode.WRONG_USE
    assert ran.out == ""
    assert "--help' for help" in ran.err
    assert "Error: " in ran.err
    assert not list(good.parent.glob("*.sqlite"))


@pytest.mark.parametrize(
    ("arguments", "number", "hint"),
    [
        (["sync", "good.ndjson", "--server", "nosuch"], 8001, "doctor"),
        (["sync", "good.ndjson", "--server", "ftp://x/fhir"], 6001, "https"),
        (["sync", "good.ndjson", "--server", "http://user:pw@x/fhir"], 6001, "without name"),
        (["map", "t.csv"], 2050, "--feed"),
        (["map", "good.ndjson", "--feed", "nosuch.feed.yaml"], 1001, "nosuch.feed.yaml"),
        (["map", "good.ndjson", "--set", "visit=2026-03-02"], 8002, "--feed"),
        (["map", "t.csv", "--feed", "t.feed.yaml", "--set", "visit"], 8002, "NAME=VALUE"),
        (["map", "t.csv", "--feed", "t.feed.yaml", "--set", "=1"], 8002, "NAME=VALUE"),
        (["map", "t.csv", "--feed", "t.feed.yaml"], 3020, "--set exported_at=<instant>"),
        (["map", "t.csv", "--feed", "t.feed.yaml", "--set", "exported_at=now"], 3022, "instant"),
        (["map", "t.csv", "--feed", "t.feed.yaml", "--set", "at=2026"], 3021, "exported_at"),
        (["sandbox", "--port", "70000"], 9029, "port"),
        (["serve", "--server", NOBODY, "--port", "70000"], 8117, "port"),
        (["serve", "--server", NOBODY, "--host", "0.0.0.0"], 8114, "proxy"),
        (["serve", "--server", "nosuch"], 8001, "doctor"),
        (["demo", "--server", "nosuch"], 8001, "doctor"),
        (["demo", "--patients", "0"], 9501, "1 to"),
        (["sync", "good.ndjson", "--server", NOBODY, "--token-file", "none"], 8003, "path"),
        (["sync", "good.ndjson", "--server", NOBODY, "--token-file", "."], 8003, "path"),
        (["sync", "good.ndjson", "--server", NOBODY, "--token-file", "empty"], 8003, "one line"),
        (["sync", "good.ndjson", "--server", NOBODY, "--token-file", "two"], 8003, "one line"),
        (["sync", "good.ndjson", "--server", NOBODY, "--token-file", "odd"], 8003, "one line"),
    ],
    ids=lambda item: " ".join(item[:2] + item[-1:]) if isinstance(item, list) else "",
)
def test_wrong_settings_end_with_2_and_a_next_step(
    run: Run, good: Path, arguments: list[str], number: int, hint: str
) -> None:
    folder = good.parent
    (folder / "t.csv").write_text("mrn\n1\n")
    feed = FEED.replace("record:\n", "record:\n  recorded_at: =parameter.exported_at\n")
    (folder / "t.feed.yaml").write_text(f"parameters: {{exported_at: instant}}\n{feed}")
    for name, token in {"empty": "\n", "two": "a\nb\n", "odd": "tok€n\n"}.items():
        (folder / name).write_text(token, encoding="utf-8")
    ran = run(*arguments)
    assert ran.code == ExitCode.WRONG_USE, ran.err
    assert ran.out == ""
    line = next(line for line in ran.err.splitlines() if f"error FBP-{number}: " in line)
    assert " Next: " in line
    assert hint in ran.err


def test_options_can_be_set_by_the_environment(
    run: Run, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FHIR_BACKPAIN_SYNC_SERVER", NOBODY)
    monkeypatch.setenv("FHIR_BACKPAIN_SYNC_PATIENCE", "0")
    monkeypatch.setenv("FHIR_BACKPAIN_SYNC_OUTBOX", "other.sqlite")
    monkeypatch.setenv("FHIR_BACKPAIN_SYNC_JSON", "1")
    ran = run("sync", good)
    assert ran.code == ExitCode.SERVER_UNAVAILABLE
    assert ran.json["server"]["queued"] == 3
    assert (good.parent / "other.sqlite").exists()


def test_the_command_line_goes_before_the_environment(
    run: Run, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FHIR_BACKPAIN_MAP_AS", "resources")
    assert "transaction" not in run("map", good).out
    assert "transaction" in run("map", good, "--as", "bundles").out


def test_a_wrong_value_in_the_environment_is_named(
    run: Run, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FHIR_BACKPAIN_MAP_MAX_ISSUES", "many")
    ran = run("map", good)
    assert ran.code == ExitCode.WRONG_USE
    assert "--max-issues" in ran.err


def test_a_fault_of_the_program_is_70_without_its_text(
    run: Run, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("something about Mrs Example")

    monkeypatch.setattr(status_command, "open_store", fail)
    ran = run("status", "--outbox", good)
    assert ran.code == ExitCode.INTERNAL
    assert "FBP-8005" in ran.err
    assert "RuntimeError" in ran.err
    assert "Example" not in ran.err


def test_every_error_of_the_package_has_an_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fhir_backpain.outcome.CATALOGUE", {})
    issue = Message(1, "invalid", "Title", "Do it.").issue("Text.")
    codes = {
        kind.__name__: exit_code_of(kind(issue))
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.BackpainError)
    }
    assert codes == {
        "BackpainError": 2, "ArtifactError": 2, "MappingSyntaxError": 2, "MappingCheckError": 2,
        "SettingsError": 2, "SourceError": 1, "MappingFailed": 1, "ValidationFailed": 1,
        "OutboxError": 5, "RemoteError": 3, "TransientRemoteError": 3, "AmbiguousRemoteError": 3,
        "PermanentRemoteError": 3, "ConflictError": 3,
    }  # fmt: skip
