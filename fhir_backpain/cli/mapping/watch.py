"""Does something again whenever a file changes, by looking at the files twice a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

Signature = tuple[tuple[int, int] | None, ...]


def pause() -> None:
    """Wait for half a second."""
    time.sleep(0.5)


def watch(
    files: Callable[[], Iterable[Path]], run: Callable[[], None], wait: Callable[[], None] = pause
) -> None:
    """Call `run`, and again after each change of the files; returns on Ctrl-C.

    `files` is asked at every look, so that files that come later are seen. A file that is away
    for a moment, as while an editor saves it, is looked for again.
    """
    try:
        while True:
            before = signature(files())
            run()
            while signature(files()) == before:
                wait()
    except KeyboardInterrupt:
        return


def signature(files: Iterable[Path]) -> Signature:
    """Return time and size of each file, None for one that is not there."""
    return tuple(_one(path) for path in files)


def _one(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
