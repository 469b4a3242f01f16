"""Peak memory of the whole way from NDJSON to Bundles, at several lengths of the stream."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from bench.work_item import lines

LIMIT_MIB = 64
FLAT_MIB = 5


@dataclass(frozen=True, slots=True)
class Stream:
    """What one stream took: CPU seconds of the reading process, and its peak memory in MiB."""

    records: int
    cpu: float
    peak_mib: float


def measure(lengths: Iterable[int]) -> list[Stream]:
    """Return the measure of a stream of each length; each runs in a process of its own."""
    return [_stream(length) for length in lengths]


def problems(streams: list[Stream]) -> list[str]:
    """Return what breaks the promise: under 64 MiB, and the same at every length (5 MiB)."""
    peaks = [stream.peak_mib for stream in streams]
    found = []
    if max(peaks) >= LIMIT_MIB:
        found.append(f"peak memory is {max(peaks):.1f} MiB, not under {LIMIT_MIB} MiB")
    if max(peaks) - min(peaks) > FLAT_MIB:
        spread = max(peaks) - min(peaks)
        found.append(f"peak memory differs by {spread:.1f} MiB between lengths, over {FLAT_MIB}")
    return found


def _stream(length: int) -> Stream:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.stream"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        for line in lines(1, length):
            process.stdin.write(line + b"\n")
        process.stdin.close()
        answer = process.stdout.read()
    if process.returncode:
        raise RuntimeError("the stream stopped: see above")
    return Stream(**json.loads(answer))
