"""The bench's command: `make bench`, or `python -m bench --help`.

Exit codes: 0 well; 1 an engine's output differs, memory is not what is promised, or the gateway
lost what it had taken. A time fails nothing, since it depends on the machine: what is worse than
we expect of ourselves is said as a problem.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from bench import gateway_load, memory, outbox_speed, saturation, sink, stages
from bench.concepts import concepts
from bench.engine import FOLDER
from bench.machine import all_versions, machine
from bench.race import Lane, race
from bench.report import memory_lines, race_lines, stage_lines, to_json
from bench.validation.race import race as validation_race
from bench.validation.report import to_json as validations_to_json
from bench.validation.report import validation_lines
from bench.work_item import lines

_RESULTS = FOLDER.parent / "bench-results"
_SINK_RECORDS = 5000
_SATURATION_ROUNDS = 8
_OUTBOX_ROWS = (10_000, 1_000_000)
_VALIDATED = (
    ("Observations", ("Observation",), False),
    ("what an assessment makes", None, False),
    ("what an assessment and a care plan make", None, True),
)


@dataclass(frozen=True, slots=True)
class _Sending:
    sent: list[sink.Sent]
    saturated: list[saturation.Saturation]

    @property
    def problems(self) -> list[str]:
        return saturation.problems(self.saturated)

    def to_json(self) -> dict[str, Any]:
        return {
            "sink": [asdict(one) for one in self.sent],
            "saturation": [{**asdict(one), "lost": one.lost} for one in self.saturated],
        }


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", default=9, show_default=True, help="Rounds of each engine and stage.")
@click.option(
    "--seconds", default=0.5, show_default=True, help="CPU seconds of each engine in a round."
)
@click.option(
    "--full", is_flag=True, help="Memory at 1,000,000 records too; takes another quarter hour."
)
@click.option("--no-server", is_flag=True, help="Leave HAPI out; so it is without Java or Maven.")
@click.option("--no-memory", is_flag=True, help="Leave the memory figures out.")
def main(rounds: int, seconds: float, full: bool, no_server: bool, no_memory: bool) -> None:
    """Measure mapping and validation beside other engines, the stages, the outbox, sending, memory.

    Each figure counts the CPU time of the process that does the work; those of the outbox and of
    sending, which wait for a disk or a server, count the time by the wall clock.
    """
    lanes = _race(rounds, seconds)
    versions = all_versions()
    _show(race_lines(lanes, versions))
    rates = stages.measure(rounds, seconds)
    _show(stage_lines(rates))
    validations = _validations(rounds, seconds)
    outbox = list(outbox_speed.measure(_OUTBOX_ROWS))
    _show(outbox_speed.speed_lines(outbox))
    load = gateway_load.measure()
    _show(gateway_load.load_lines(load))
    sending = _sending(no_server)
    streams = [] if no_memory else memory.measure(_lengths(full))
    problems = memory.problems(streams) if streams else []
    problems += gateway_load.load_problems(load)
    if streams:
        _show(memory_lines(streams, problems))
    for problem in sending.problems:
        click.echo(f"PROBLEM: {problem}")
    _keep(
        {
            "machine": machine(),
            "versions": versions,
            "engines": [to_json(lane, lanes[0]) for lane in lanes],
            "stages": rates,
            "validation": validations,
            "outbox": [asdict(one) for one in outbox],
            "gateway": asdict(load),
            **sending.to_json(),
            "memory": [asdict(stream) for stream in streams],
            "problems": [*problems, *sending.problems],
        }
    )
    sys.exit(1 if problems or any(lane.difference for lane in lanes) else 0)


def _race(rounds: int, seconds: float) -> list[Lane]:
    here = machine()
    size = len(next(lines(1, 1)))
    click.echo(f"{here['processor']}, {here['cores']} cores, {here['system']}")
    click.echo(f"Work item: an assessment of {size} bytes (bench/work_item.json), varied.\n")
    with TemporaryDirectory() as folder:
        tables = Path(folder) / "concepts.json"
        tables.write_text(json.dumps(concepts()), encoding="utf-8")
        return race(tables, rounds, seconds)


def _validations(rounds: int, seconds: float) -> dict[str, Any]:
    found = {}
    for what, types, full in _VALIDATED:
        lanes = validation_race(rounds, seconds, types, full=full)
        _show(validation_lines(lanes, what))
        found[what] = validations_to_json(lanes)
    return found


def _sending(no_server: bool) -> _Sending:
    sent = sink.measure(_SINK_RECORDS)
    _show(sink.sink_lines(sent))
    saturated = [] if no_server else saturation.measure_hapi(_SATURATION_ROUNDS)
    if saturated:
        _show(saturation.saturation_lines(saturated))
    return _Sending(sent, saturated)


def _lengths(full: bool) -> list[int]:
    return [10_000, 1_000_000] if full else [10_000, 100_000]


def _show(text: Iterable[str]) -> None:
    click.echo("\n".join(text) + "\n")


def _keep(results: dict[str, Any]) -> None:
    _RESULTS.mkdir(exist_ok=True)
    path = _RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    click.echo(f"Written to {path.relative_to(FOLDER.parent)}")


if __name__ == "__main__":
    main()
