"""Waiting for the signal to stop, whichever thread of the process it is delivered to."""

from __future__ import annotations

import select
import signal
import socket
from types import FrameType
from typing import Any, Self

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_RUNG = 0


class StopBell:
    """Rings once SIGTERM or SIGINT arrives, or `ring` is called; used by the main thread.

    A thread that waits for a lock is not woken by a signal that another thread received. The
    number of every signal is therefore written to a socket, which is what is waited for.
    """

    def __init__(self) -> None:
        self._receiver, self._sender = socket.socketpair()
        self._sender.setblocking(False)
        self._handlers: dict[signal.Signals, Any] = {}
        self._descriptor = -1

    def ring(self) -> None:
        """Ring the bell, from any thread."""
        self._sender.send(bytes([_RUNG]))

    def wait(self) -> None:
        """Return once the bell has rung."""
        meant = {_RUNG, *_SIGNALS}
        while True:
            select.select([self._receiver], [], [])
            if not meant.isdisjoint(self._receiver.recv(4096)):
                return

    def __enter__(self) -> Self:
        # No handler may set an Event: the thread that it interrupts may hold the Event's lock.
        self._handlers = {name: signal.signal(name, _pass) for name in _SIGNALS}
        self._descriptor = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._descriptor)
        for name, handler in self._handlers.items():
            signal.signal(name, handler)
        self._receiver.close()
        self._sender.close()


def _pass(_: int, __: FrameType | None) -> None:
    """Do nothing: that the signal has a handler is enough for its number to be written."""
