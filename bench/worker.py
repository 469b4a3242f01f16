"""Runs one Python engine: `python -m bench.worker ENGINE TABLES`, where TABLES is a JSON file.

The worker says {"ready": version}. An order is a JSON line, {"task": "show" or "time", "lines": n},
and n records, a line each. "show" is answered with the Bundles as a JSON list of texts; "time" with
the CPU seconds of the process (all threads, the collector's too) that making them took, and bytes.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from time import process_time
from typing import Any


def main(engine: str, tables: str) -> None:
    """Take orders from standard input until it ends."""
    make = import_module(f"bench.engines.{engine}.engine").make
    render = make(json.loads(Path(tables).read_text(encoding="utf-8")))
    _say({"ready": f"CPython {platform.python_version()}"})
    for line in sys.stdin.buffer:
        order = json.loads(line)
        lines = [sys.stdin.buffer.readline() for _ in range(order["lines"])]
        _say(_show(render, lines) if order["task"] == "show" else _time(render, lines))


def _show(render: Callable[[bytes], bytes], lines: list[bytes]) -> list[str]:
    return [render(line).decode() for line in lines]


def _time(render: Callable[[bytes], bytes], lines: list[bytes]) -> dict[str, float]:
    size = 0
    start = process_time()
    for line in lines:
        size += len(render(line))
    return {"cpu": process_time() - start, "bytes": size}


def _say(value: Any) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
