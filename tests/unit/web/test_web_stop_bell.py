"""The bell rings for a signal, whichever thread of the process receives it."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from fhir_backpain.web.stop_bell import StopBell


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_another_thread_rings(name: signal.Signals) -> None:
    def receive() -> None:
        time.sleep(0.1)  # the main thread waits by now
        signal.pthread_kill(threading.get_ident(), name)

    before = signal.getsignal(name)
    with StopBell() as bell:
        thread = threading.Thread(target=receive)
        thread.start()
        bell.wait()
        thread.join()
    assert signal.getsignal(name) == before


def test_another_signal_does_not_ring() -> None:
    rung: list[bool] = []
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with StopBell() as bell:
            waiting = threading.Thread(target=lambda: (bell.wait(), rung.append(True)))
            waiting.start()
            signal.raise_signal(signal.SIGUSR1)
            waiting.join(0.2)
            assert not rung
            bell.ring()
            waiting.join()
            assert rung
    finally:
        signal.signal(signal.SIGUSR1, before)
