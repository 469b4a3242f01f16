"""Fifty clients at once, a kill -9 in the middle: what was answered with 202 is there."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from bench.gateway_load import (
    Client,
    GatewayLoad,
    GatewayProcess,
    load_lines,
    load_problems,
    lost,
    measure,
)


@pytest.mark.slow
def test_every_202_outlives_a_kill_under_load() -> None:
    load = measure(clients=50, seconds=4)
    assert load.lost == 0
    assert load.refused == 0
    assert load.cut > 0  # it was killed while clients waited for their answers
    assert load.accepted > 50
    assert load_problems(load) == []
    assert "50 clients" in "\n".join(load_lines(load))


def test_a_loss_would_be_seen(tmp_path: Path) -> None:
    """Else the test above would prove nothing."""
    outbox = tmp_path / "o.sqlite"
    with GatewayProcess(outbox) as gateway:
        stopping = threading.Event()
        client = Client(1)
        poster = threading.Thread(target=client.post, args=(gateway.port, stopping))
        poster.start()
        while len(client.accepted) < 3:
            assert poster.is_alive()
        stopping.set()
        poster.join()
    assert list(lost(outbox, [client])) == []
    first, second, *_ = client.accepted
    client.accepted[first] = {**client.accepted[first], "score": 99}
    client.accepted["never"] = client.accepted[second]
    assert list(lost(outbox, [client])) == [first, "never"]


def test_losses_and_refusals_are_problems() -> None:
    good = GatewayLoad(50, 10, 100, 0, 3, 0, 1, 2, 3)
    assert load_problems(good) == []
    assert len(load_problems(replace(good, lost=1, refused=2))) == 2
