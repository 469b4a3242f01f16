"""The soak's command: `make soak`, or `python -m bench.soak --help`.

Exit codes: 0 well; 1 something is lost, doubled or wrong, or memory grew.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bench.soak.run import Plan, Result, Soak

_DEFAULT = Plan()


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--resources", default=_DEFAULT.resources, show_default=True, help="At least.")
@click.option("--patients", default=_DEFAULT.patients, show_default=True)
@click.option(
    "--faults", default=_DEFAULT.faults, show_default=True, help="Share of Bundles that go wrong."
)
@click.option("--kills", default=_DEFAULT.kills, show_default=True, help="kill -9 of the worker.")
@click.option("--seed", default=_DEFAULT.seed, show_default=True)
def main(resources: int, patients: int, faults: float, kills: int, seed: int) -> None:
    """Send a clinic's records to the sandbox with faults and kills, and check every resource."""
    begun = time.monotonic()

    def say(text: str) -> None:
        click.echo(f"{time.monotonic() - begun:7.1f} s  {text}", err=True)

    with TemporaryDirectory(prefix="soak-") as folder:
        result = Soak(Plan(resources, patients, faults, kills, seed), Path(folder), say).run()
    click.echo("\n".join(lines(result)))
    sys.exit(0 if result.is_good else 1)


def lines(result: Result) -> Iterator[str]:
    """Yield the figures."""
    plan, worker, server = result.plan, result.worker, result.server
    yield f"resources       {result.resources:,} of {plan.patients:,} patients"
    rate, made = result.records / result.seconds, result.resources / result.seconds
    yield f"records         {result.records:,} in {result.seconds:,.0f} s"
    yield f"rate            {rate:,.0f} records/s, {made:,.0f} resources/s, kills and waits too"
    yield f"kills           {result.kills} (kill -9), {result.lives} lives of the worker"
    share = result.fired / max(result.bundles, 1)
    yield f"faults          {result.fired} in {result.bundles:,} Bundles ({share:.1%})"
    yield f"outbox          {', '.join(f'{n:,} {name}' for name, n in result.settled.items())}"
    yield f"worker memory   peak {worker.peak:.1f} MiB; {_halves(result)}"
    slope = worker.slope(result.lives, 1000)
    first, second = worker.halves(result.lives)
    yield (
        f"  its last life {first:.1f} MiB in the first half, {second:.1f} in the second;"
        f" slope {slope:+.2f} MiB per 1,000 records"
    )
    yield f"server memory   peak {server.peak:.1f} MiB (the sandbox keeps its history on disk)"
    found = ", ".join(f"{count} {name}" for name, count in result.violations.items())
    yield f"violations      {result.violations.total()} ({found})"
    yield "PASSED" if result.is_good else "FAILED"


def _halves(result: Result) -> str:
    first, second = result.worker.halves()
    return f"{first:.1f} MiB in the first half of the run, {second:.1f} in the second"


if __name__ == "__main__":
    main()
