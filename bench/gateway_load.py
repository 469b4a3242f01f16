"""How a gateway takes records from many clients at once, and what a kill -9 in between loses.

    python -m bench.gateway_load --clients 50 --seconds 10

The gateway is a process of its own with an outbox in a file; each client has one connection and
posts one record after the other. Nothing answers where it sends to: what is measured is the
taking. Then it is killed under load, and every record that was answered with 202 is looked up.

Exit codes: 0 well; 1 where a record is lost.
"""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any, Self

import click

from fhir_backpain.errors import OutboxError
from fhir_backpain.outbox.opening import open_store

_NOWHERE = "http://127.0.0.1:9/fhir"
_PATIENTS = 500
_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class GatewayLoad:
    """What a load came to: answers a second, milliseconds of an answer, and what was lost.

    `accepted` were answered with 202, `refused` otherwise; `cut` got no answer, since the gateway
    was killed, and nobody was promised anything. `lost` were accepted and are not there.
    """

    clients: int
    seconds: float
    accepted: int
    refused: int
    cut: int
    lost: int
    median_ms: float
    p99_ms: float
    slowest_ms: float

    @property
    def per_second(self) -> float:
        """Records taken each second."""
        return self.accepted / self.seconds


@dataclass(slots=True)
class Client:
    """What one client has seen: tracking ids with what was sent, and the seconds of each answer."""

    number: int
    accepted: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    cut: int = 0

    def post(self, port: int, stopping: threading.Event) -> None:
        """Post records until told to stop, or until nobody answers any more."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Content-Type": "application/json"}
        turn = 0
        while not stopping.is_set():
            turn += 1
            sent = _record(self.number, turn)
            begun = time.perf_counter()
            try:
                connection.request("POST", "/api/v1/records", json.dumps(sent), headers)
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException):
                self.cut += 1
                break
            self.seconds.append(time.perf_counter() - begun)
            if answer.status == 202:
                self.accepted[json.loads(body)["id"]] = sent
            else:
                self.refused += 1
        connection.close()


class GatewayProcess:
    """A gateway's process on an outbox, for the length of a `with` block; `port` is where it is."""

    def __init__(self, outbox: Path) -> None:
        command = (sys.executable, "-m", "fhir_backpain.cli", "serve", "--server", _NOWHERE)
        # A file: a pipe that nobody reads would stop it once it is full.
        self._said = Path(f"{outbox}.said")
        with self._said.open("w", encoding="utf-8") as said:
            self.process = subprocess.Popen(  # noqa: S603 - a command of our own
                [*command, "--outbox", str(outbox), "--port", "0"], stderr=said
            )
        self.port = self._port()

    def _port(self) -> int:
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            found = re.search(r"gateway at http://[^ ]*:(\d+)", self._said.read_text("utf-8"))
            if found:
                return int(found[1])
            time.sleep(0.05)
        raise RuntimeError("the gateway did not start")

    def kill(self) -> None:
        """End it as a power cut would end the process: at once."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()


def measure(clients: int = 50, seconds: float = 10.0) -> GatewayLoad:
    """Return what a load of some seconds came to, with a kill in its middle; of both halves."""
    with TemporaryDirectory() as folder:
        outbox = Path(folder) / "outbox.sqlite"
        every: list[Client] = []
        taken = 0.0
        for killed in (True, False):
            with GatewayProcess(outbox) as gateway:
                half, lasted = _load(gateway, clients, seconds / 2, killed=killed)
                every += half
                taken += lasted
        return _summed(every, clients, taken, len(list(lost(outbox, every))))


def lost(outbox: Path, clients: list[Client]) -> Iterator[str]:
    """Yield the tracking ids that were answered with 202 and are not in the outbox as they were."""
    with open_store(outbox) as store:
        for client in clients:
            for delivery, sent in client.accepted.items():
                try:
                    kept = store.data(delivery)
                except OutboxError:
                    kept = {}
                if json.loads(json.dumps(kept, default=float)) != sent:
                    yield delivery


def _load(
    gateway: GatewayProcess, clients: int, seconds: float, *, killed: bool
) -> tuple[list[Client], float]:
    stopping = threading.Event()
    posting = [Client(number) for number in range(clients)]
    threads = [threading.Thread(target=one.post, args=(gateway.port, stopping)) for one in posting]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    if killed:
        gateway.kill()
    stopping.set()
    lasted = time.perf_counter() - begun
    for thread in threads:
        thread.join()
    return posting, lasted


def _record(client: int, turn: int) -> dict[str, Any]:
    number = client * 1_000_003 + turn
    return {
        "record": "observation",
        "id": f"L-{client}-{turn}-{time.monotonic_ns()}",
        "source": "https://clinic.example/load",
        "test_data": True,
        "patient": {
            "identifier": {
                "system": "https://clinic.example/mrn",
                "value": f"P-{number % _PATIENTS}",
            }
        },
        "observed_at": "2026-03-02T09:30:00+01:00",
        "measure": "pain-nrs-week",
        "score": number % 11,
    }


def _summed(clients: list[Client], count: int, seconds: float, missing: int) -> GatewayLoad:
    times = sorted(one for client in clients for one in client.seconds)
    cuts = quantiles(times, n=100, method="inclusive")
    return GatewayLoad(
        clients=count,
        seconds=round(seconds, 3),
        accepted=sum(len(client.accepted) for client in clients),
        refused=sum(client.refused for client in clients),
        cut=sum(client.cut for client in clients),
        lost=missing,
        median_ms=round(1000 * cuts[49], 1),
        p99_ms=round(1000 * cuts[98], 1),
        slowest_ms=round(1000 * times[-1], 1),
    )


def load_lines(load: GatewayLoad) -> Iterator[str]:
    """Yield the figures as lines."""
    yield f"Gateway, {load.clients} clients at once, one record a request, a kill -9 in the middle:"
    yield f"  {load.per_second:,.0f} records/s taken durably, {load.accepted:,} in all"
    yield (
        f"  answered within {load.median_ms:.0f} ms (median), {load.p99_ms:.0f} ms (p99), "
        f"{load.slowest_ms:.0f} ms (slowest)"
    )
    yield f"  {load.refused} refused, {load.cut} without an answer, {load.lost} lost after a 202"


def load_problems(load: GatewayLoad) -> list[str]:
    """Return what must not be."""
    found = []
    if load.lost:
        found.append(f"{load.lost} records were answered with 202 and are not there")
    if load.refused:
        found.append(f"{load.refused} records were refused under load")
    return found


@click.command()
@click.option("--clients", default=50, show_default=True)
@click.option("--seconds", default=10.0, show_default=True)
def main(clients: int, seconds: float) -> None:
    """Load a gateway, kill it in between, and see that nothing is lost."""
    load = measure(clients, seconds)
    click.echo("\n".join(load_lines(load)))
    problems = load_problems(load)
    for problem in problems:
        click.echo(f"PROBLEM: {problem}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
