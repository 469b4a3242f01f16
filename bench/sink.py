"""How fast records go out where the server takes no time: what all but the server costs.

    python -m bench.sink --records 5000

The sink is a process of its own that keeps nothing; see `bench.sink_server`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Self

import click

from bench.workload import WORKLOADS
from fhir_backpain.outbox.opening import open_store
from fhir_backpain.sync.push_options import PushOptions

_ASSESSMENTS = 8  # one for so many observations: each makes eight times the resources


@dataclass(frozen=True, slots=True)
class Sent:
    """One run: wall-clock and CPU seconds of storing and of sending, and the peak memory."""

    records: int
    resources: int
    append: float
    send: float
    append_cpu: float
    send_cpu: float
    peak_mib: float
    workload: str = ""
    in_flight: int = 0

    @property
    def seconds(self) -> float:
        """The whole way."""
        return self.append + self.send

    @property
    def cpu(self) -> float:
        """The CPU seconds of the whole way, the sink's left out."""
        return self.append_cpu + self.send_cpu


class SinkServer:
    """The sink's process for the length of a `with` block."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.sink_server"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.base_url = self._process.stdout.readline().strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def measure(records: int) -> list[Sent]:
    """Return a run of each workload, one request at a time and as many as by default."""
    counts = {"observations": records, "assessments": max(records // _ASSESSMENTS, 1)}
    with SinkServer() as sink:
        return [
            _run(sink.base_url, workload, counts[workload], in_flight)
            for workload in WORKLOADS
            for in_flight in (1, PushOptions().in_flight)
        ]


def sink_lines(runs: list[Sent]) -> Iterator[str]:
    """Yield the table."""
    yield "To a sink: outbox, mapping, Bundles, requests, answers, settlement; by the wall clock"
    yield (
        f"{'records':<16}{'in flight':>9}{'records/s':>11}{'resources/s':>13}"
        f"{'per CPU second':>16}{'peak':>12}"
    )
    for one in runs:
        yield (
            f"{one.workload:<16}{one.in_flight:>9}{one.records / one.seconds:>11,.0f}"
            f"{one.resources / one.seconds:>13,.0f}{one.records / one.cpu:>16,.0f}"
            f"{one.peak_mib:>8.1f} MiB"
        )


def _run(url: str, workload: str, records: int, in_flight: int) -> Sent:
    with TemporaryDirectory() as folder:
        outbox = f"{folder}/outbox.sqlite"
        open_store(outbox).close()  # made here: what makes it need not be loaded there
        arguments = (outbox, url, workload, str(records), str(in_flight))
        done = subprocess.run(  # noqa: S603 - our own worker
            [sys.executable, "-m", "bench.sink_worker", *arguments],
            stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
    return Sent(**json.loads(done.stdout), workload=workload, in_flight=in_flight)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--records", default=5000, show_default=True, type=click.IntRange(min=1))
def main(records: int) -> None:
    """Print the table."""
    click.echo("\n".join(sink_lines(measure(records))))


if __name__ == "__main__":
    main()
