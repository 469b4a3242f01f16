"""One clock for all workers, whatever the clocks of server and machines do."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_backpain.outbox.shared_clock import SharedClock


class Server:
    """A database server: its wall clock, and the correction that it keeps."""

    def __init__(self) -> None:
        self.wall = 1_700_000_000.0
        self.ahead = 0.0

    def read(self, work: Any) -> Any:
        return work(self)

    write = read

    def execute(self, sql: str, parameters: tuple[float, ...] = ()) -> Server:
        if parameters:
            new, seen = parameters
            self.ahead = new if self.ahead == seen else self.ahead
        return self

    def fetchone(self) -> tuple[float, float]:
        return self.wall, self.ahead


class World:
    """Workers on machines whose steady clocks began at different times."""

    def __init__(self, workers: int) -> None:
        self.server = Server()
        self.seconds = [1000.0 * number for number in range(workers)]
        self.clocks = [
            SharedClock(self.server, lambda number=number: self.seconds[number])  # type: ignore
            for number in range(workers)
        ]

    def pass_seconds(self, seconds: float) -> None:
        self.server.wall += seconds
        self.seconds = [one + seconds for one in self.seconds]

    def times(self) -> list[float]:
        return [clock.steady() for clock in self.clocks]


def test_workers_agree_though_their_machines_started_at_other_times() -> None:
    world = World(3)
    assert max(world.times()) - min(world.times()) < 0.001


@pytest.mark.parametrize("jump", [86400.0, -86400.0])
def test_a_jump_of_the_servers_clock_is_made_good(jump: float) -> None:
    world = World(2)
    before = world.times()
    world.pass_seconds(10)
    world.server.wall += jump
    after = world.times()
    assert after == pytest.approx([one + 10 for one in before], abs=0.01)
    newcomer = SharedClock(world.server, lambda: 5.0)  # type: ignore[arg-type]
    assert newcomer.steady() == pytest.approx(after[0], abs=0.01)


def test_small_differences_are_followed() -> None:
    """Clocks that go a little fast or slow do not drift apart."""
    world = World(2)
    for _ in range(1000):
        world.pass_seconds(2)
        world.seconds[1] += 0.01
        one, two = world.times()
        assert abs(one - two) < 0.1


def test_a_machine_that_stood_still_gives_in() -> None:
    world = World(2)
    world.times()
    world.server.wall += 3600
    world.seconds[0] += 3600
    for _ in range(5):
        world.pass_seconds(2)
        one, two = world.times()
    assert one == pytest.approx(two, abs=0.01)
