"""Rows 30, 31 and 33 of the fault matrix: what pulling does about each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fhir_backpain.errors import PermanentRemoteError
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.outbox.opening import open_store
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer
from tests.unit.pull.pull_world import World, observation

FEEDS = ("system-history", "type-history", "search")
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class ServerClock:
    """The clock of a server, set by hand; it stands still in between."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture(scope="module")
def mapper() -> Mapper:
    return load_mapper()


@pytest.fixture
def clock() -> ServerClock:
    return ServerClock()


@pytest.fixture
def server(clock: ServerClock) -> Iterator[SandboxServer]:
    with SandboxServer(clock=clock) as running:
        yield running


@pytest.fixture
def world(server: SandboxServer, mapper: Mapper, tmp_path: Path) -> Iterator[World]:
    found = World(server.base_url, mapper, tmp_path)
    yield found
    found.client.close()


@pytest.fixture
def stored_world(world: World, place: str) -> World:
    """The world over each kind of outbox, for the rows that it has a part in."""
    world.outbox = place
    return world


def told(world: World) -> list[tuple[str, Any]]:
    return [(one["record"]["id"], one["record"].get("score")) for one in world.deliveries()]


NEXT_LINKS = ["http://127.0.0.1:9/fhir/_history", "_history?_count=200", "javascript:alert(1)"]


@pytest.mark.parametrize("link", NEXT_LINKS, ids=["foreign", "looping", "no-url"])
@pytest.mark.parametrize("feed", FEEDS)
def test_row_30_a_wrong_next_link_ends_the_run_and_the_next_one_resumes(
    world: World, server: SandboxServer, clock: ServerClock, feed: str, link: str
) -> None:
    world.push(*(observation(f"R-{number}", f"P-{number}") for number in range(250)))
    world.pull(feed=feed)
    for number in (1, 249):
        clock.move(seconds=1)
        world.score(f"/R-{number}/", 3)
    clock.move(hours=1)
    place = r"_search|_history"
    server.faults.add(FaultRule("next-link", {"url": link}, path=place))
    # A look back over everything that was pushed has more than one page.
    broken = world.pull(feed=feed, overlap=86400)
    assert broken.reason == "incomplete"
    assert not broken.is_complete
    assert {issue.number for issue in broken.issues} >= {6101, 6015}
    server.faults.clear()
    resumed = world.pull(feed=feed, overlap=86400)
    assert resumed.is_complete, str(resumed)
    assert sorted(told(world)) == [("R-1", 3), ("R-249", 3)]


@pytest.mark.parametrize("feed", FEEDS)
def test_row_30_an_expired_next_link_ends_the_run_and_the_next_one_resumes(
    world: World, server: SandboxServer, clock: ServerClock, feed: str
) -> None:
    world.push(*(observation(f"R-{number}", f"P-{number}") for number in range(250)))
    clock.move(seconds=1)
    world.score("/R-7/", 3)
    server.faults.add(FaultRule("status", {"status": 410}, path="_page="))
    broken = world.pull(feed=feed)
    assert broken.reason == "incomplete"
    server.faults.clear()
    assert world.pull(feed=feed).is_complete
    assert told(world) == [("R-7", 3)]


@pytest.mark.parametrize("feed", FEEDS)
def test_row_31_versions_of_the_same_instant_are_all_found(world: World, feed: str) -> None:
    world.push(observation("R-1"), observation("R-2"), observation("R-3"))
    for number in (1, 2, 3):
        world.score(f"/R-{number}/", number)
        assert world.pull(feed=feed, overlap=0).versions["delivered"] == 1
    assert told(world) == [("R-1", 1), ("R-2", 2), ("R-3", 3)]
    assert not world.pull(feed=feed, overlap=0).versions


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("skew", [-86400, -3600, 3600, 86400])
def test_row_31_a_server_clock_that_is_wrong_hides_nothing(
    world: World, clock: ServerClock, feed: str, skew: int
) -> None:
    clock.now = datetime.now(UTC) + timedelta(seconds=skew)
    world.push(observation("R-1"))
    for value in (1, 2, 3):
        clock.move(seconds=40)
        world.score("R-1", value)
        world.pull(feed=feed)
    assert told(world) == [("R-1", 1), ("R-1", 2), ("R-1", 3)]


@pytest.mark.parametrize("feed", FEEDS)
def test_row_31_clocks_that_disagree_within_the_overlap_hide_nothing(
    world: World, clock: ServerClock, feed: str
) -> None:
    world.push(observation("R-1"), observation("R-2"))
    clock.move(minutes=10)
    world.score("R-1", 1)
    world.pull(feed=feed)
    clock.move(minutes=-4)
    world.score("R-2", 2)
    world.pull(feed=feed)
    assert told(world) == [("R-1", 1), ("R-2", 2)]


@pytest.mark.parametrize("feed", FEEDS)
def test_row_31_a_server_clock_that_ran_ahead_for_a_while_hides_nothing(
    world: World, clock: ServerClock, feed: str
) -> None:
    clock.now = datetime.now(UTC)
    world.push(observation("R-1"), observation("R-2"))
    clock.move(days=2)
    world.score("R-1", 1)
    world.pull(feed=feed)
    clock.move(days=-2, seconds=1)
    world.score("R-2", 2)
    world.pull(feed=feed)
    assert told(world) == [("R-1", 1), ("R-2", 2)]


@pytest.mark.parametrize("feed", FEEDS)
def test_row_31_a_server_clock_that_fell_behind_is_made_up_for_by_the_wide_look(
    world: World, clock: ServerClock, feed: str
) -> None:
    world.push(observation("R-1"), observation("R-2"))
    clock.move(days=1)
    world.score("R-1", 1)
    world.pull(feed=feed)
    clock.move(hours=-20)
    world.score("R-2", 2)
    for _ in range(3):
        world.pull(feed=feed, wide_every=3)
    assert told(world) == [("R-1", 1), ("R-2", 2)]


@pytest.mark.parametrize("feed", ["system-history", "type-history"])
@pytest.mark.parametrize("knows", ["outbox", "history"])
def test_row_33_what_was_deleted_on_the_server_is_a_tombstone_and_stays_deleted(
    stored_world: World, clock: ServerClock, feed: str, knows: str
) -> None:
    world = stored_world
    world.push(observation("R-1"), observation("R-2"))
    gone = world.find("Observation", "/R-1/")
    if knows == "history":
        world.outbox = str(world.folder / "lost.sqlite")  # and there is nothing
    clock.move(seconds=1)
    world.client.delete("Observation", gone["id"])
    world.pull(feed=feed)
    tombstones = [one for one in world.deliveries() if one["change"] == "deleted"]
    assert [one["record"]["id"] for one in tombstones] == ["R-1"]
    before = world.deliveries()
    # Neither a look back over its earlier versions nor another edit brings it back.
    clock.move(seconds=1)
    world.score("/R-2/", 2)
    world.pull(feed=feed, overlap=86400)
    assert [one["record"]["id"] for one in world.deliveries()[len(before) :]] == ["R-2"]
    with pytest.raises(PermanentRemoteError) as error:
        world.client.read("Observation", gone["id"])
    assert error.value.status == 410


def test_row_33_a_deletion_and_a_change_in_the_source_are_a_conflict(
    stored_world: World, clock: ServerClock
) -> None:
    world = stored_world
    world.push(observation("R-1"))
    clock.move(seconds=1)
    world.client.delete("Observation", world.find("Observation")["id"])
    world.append(observation("R-1", score=2))
    assert world.pull().waiting["conflicts"] == 1
    assert world.deliveries() == []
    assert world.pull(on_conflict="server").waiting["conflicts"] == 1
    with open_store(world.outbox) as store:
        assert store.counts()["queued"] == 1
