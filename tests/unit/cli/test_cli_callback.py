"""What keeps up that a server calls, where the server was out of reach at first."""

from __future__ import annotations

import socket
import threading
from datetime import timedelta

import pytest

from fhir_backpain.cli.callback import Alarm, being_called
from fhir_backpain.client.client import FhirClient
from fhir_backpain.pull import subscription


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_a_server_that_was_out_of_reach_is_asked_again_though_the_next_look_is_far_off(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(subscription, "LIFETIME", timedelta(seconds=144))
    woken = threading.Event()
    url = f"http://127.0.0.1:{free_port()}/changed"
    with (
        FhirClient(f"http://127.0.0.1:{free_port()}/fhir") as client,
        being_called(url, None, client, ["Patient"], woken.set) as keep,
    ):
        assert woken.wait(20)
        woken.clear()
        keep()
        assert woken.wait(20)
    assert capsys.readouterr().err.count("FBP-6119") == 2


def test_an_alarm_that_was_stopped_or_set_anew_does_not_ring() -> None:
    rung, stopped = threading.Event(), threading.Event()
    alarm = Alarm(rung.set)
    alarm.set(3600)
    alarm.set(0)
    assert rung.wait(20)
    other = Alarm(stopped.set)
    other.set(0.2)
    other.stop()
    assert not stopped.wait(0.5)
