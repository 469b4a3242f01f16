"""Events and faults: one line each, and never the words of an exception."""

from __future__ import annotations

import io
import json
import logging
import sys
from pathlib import Path

import pytest

from fhir_backpain.errors import OutboxError, SettingsError
from fhir_backpain.outbox.messages import BUSY
from fhir_backpain.telemetry.correlation import correlated, request_id
from fhir_backpain.telemetry.event import Event, log
from fhir_backpain.telemetry.fault import fault_lines, told_fault
from fhir_backpain.telemetry.log_output import LogSettings, logging_to

SECRET = "John Doe"
_logger = logging.getLogger("fhir_backpain.tests.telemetry")


def failure() -> BaseException:
    """An exception with causes, each of which says too much."""
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise OutboxError(BUSY.issue(SECRET)) from error
    except OutboxError as error:
        group = ExceptionGroup(SECRET, [error, ValueError(SECRET)])
        group.add_note(SECRET)
        return group


def test_of_an_exception_kind_place_and_number_are_told() -> None:
    told = told_fault(failure())
    assert [one["error"] for one in told] == [
        "ExceptionGroup", "fhir_backpain.errors.OutboxError", "ValueError", "KeyError",
    ]  # fmt: skip
    assert told[1]["messages"] == ["FBP-5004"]
    assert told[3]["at"][0].startswith("test_telemetry_event:")
    assert told[3]["at"][0].endswith(" failure")
    assert SECRET not in fault_lines(failure()) + json.dumps(told)


def test_a_chain_that_leads_back_to_itself_ends() -> None:
    first, second = ValueError(), ValueError()
    first.__context__, second.__context__ = second, first
    assert len(told_fault(first)) == 2


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_line_is_a_line_whatever_the_fields_hold(tmp_path: Path, form: str) -> None:
    file = tmp_path / "log"
    with logging_to(LogSettings(str(file), "info", form)):  # type: ignore[arg-type]
        log(_logger, logging.INFO, "one", server="a\nb\u2028c\x1b[31m", count=2, nothing=None)
        log(_logger, logging.ERROR, "two", failure())
        log(_logger, logging.DEBUG, "three")
    lines = file.read_text("utf-8").splitlines()
    assert len(lines) == 2
    assert "\x1b" not in lines[0]
    assert SECRET not in lines[1]
    assert "OutboxError" in lines[1]
    if form == "json":
        one, two = map(json.loads, lines)
        assert one["event"] == "one"
        assert (one["level"], one["count"], "nothing" in one) == ("info", 2, False)
        assert one["time"].endswith("Z")
        assert two["fault"][1]["messages"] == ["FBP-5004"]


def test_of_other_libraries_no_text_is_shown(tmp_path: Path) -> None:
    file, other = tmp_path / "log", logging.getLogger("some.library")
    with logging_to(LogSettings(str(file), "debug")):
        other.info("hidden")
        try:
            raise RuntimeError(SECRET)
        except RuntimeError:
            other.exception("failed for %s", SECRET)
        other.warning(f"failed for {SECRET}")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [one["event"] for one in lines] == ["foreign", "foreign"]
    assert lines[0]["fault"][0]["error"] == "RuntimeError"
    assert SECRET not in file.read_text()


def test_without_a_target_nothing_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    with logging_to(LogSettings()):
        log(_logger, logging.ERROR, "one")
        logging.getLogger("some.library").error("failed for %s", SECRET)
    assert capfd.readouterr() == ("", "")


def test_a_log_that_cannot_be_opened_is_told_and_one_that_is_full_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        pytest.raises(SettingsError, match="FBP-8020"),
        logging_to(LogSettings(str(tmp_path / "none" / "log"))),
    ):
        pass

    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stderr", Full())
    with logging_to(LogSettings("-")):
        log(_logger, logging.ERROR, "one")


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with logging_to(LogSettings(str(file))):
        log(_logger, logging.INFO, "one")
        file.rename(tmp_path / "log.1")
        log(_logger, logging.INFO, "two")
    assert "two" in file.read_text()


def test_an_event_as_text_keeps_its_fields_apart() -> None:
    text = str(Event("x", {"a": 'b c="d"', "n": 1.5, "many": ["p", "q"]}))
    assert text == 'x a="b c=\\"d\\"" n=1.5 many=["p", "q"]'


def test_requests_of_one_piece_of_work_have_one_id() -> None:
    with correlated() as one:
        assert request_id() == request_id() == one
    assert request_id() != request_id() != one
