"""What a process wrote last."""

from __future__ import annotations

from pathlib import Path


def last_lines(log: Path, count: int = 20) -> str:
    """Return the end of a log file, or nothing where there is none."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
