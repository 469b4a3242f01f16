"""The command on a slow disk: it says so when it opens a file of deliveries, then takes its time.

Arguments: those of the command. What it does is the command's own; only the moments between its
steps are long enough to be killed in.
"""

from __future__ import annotations

import os
import time
from typing import Any

from fhir_backpain.cli.main import main

PAUSE = 0.15


def slow_disk() -> None:
    """Make opening for appending and syncing slow, before and after."""
    open_file, sync = os.open, os.fsync

    def slow_open(path: Any, flags: int, *arguments: Any, **settings: Any) -> int:
        if str(path).endswith((".ndjson", ".csv")) and flags & os.O_RDWR:
            os.write(1, b"writing\n")
            time.sleep(PAUSE)
        return open_file(path, flags, *arguments, **settings)

    def slow_sync(descriptor: int) -> None:
        time.sleep(PAUSE)
        sync(descriptor)
        time.sleep(PAUSE)

    os.open = slow_open  # type: ignore[assignment]
    os.fsync = slow_sync  # type: ignore[assignment]


if __name__ == "__main__":
    slow_disk()
    main()
