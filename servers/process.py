"""Server processes: is that one still ours, and stop it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

_PATIENCE = 20.0
"""Seconds that a process has to end by itself after it was asked to."""


def is_running(pid: int, token: str) -> bool:
    """Return whether the process lives and has `token` in its command line.

    Process ids are used again by the system; the token tells our process from a stranger's.
    """
    command_line = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        try:
            return token.encode() in command_line.read_bytes()
        except OSError:
            return False
    listed = subprocess.run(  # noqa: S603
        ["ps", "-ww", "-p", str(pid), "-o", "command="],  # noqa: S607
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return token in listed.stdout


def stop_process(pid: int, token: str) -> None:
    """End a process of ours, by force where asking does not help; nothing where it has ended."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not is_running(pid, token):
            return
        os.kill(pid, number)
        deadline = time.monotonic() + _PATIENCE
        while is_running(pid, token) and time.monotonic() < deadline:
            time.sleep(0.05)
