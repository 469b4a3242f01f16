"""The short form of `make chaos`: a hundred kills, and every sabotage caught."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.climate import CHAOS, FOR_SABOTAGES, Climate
from tests.chaos.report import details
from tests.chaos.sabotages import SABOTAGES, Sabotage
from tests.chaos.trial import hunt, run_trial
from tests.chaos.zygote import Zygote

KILLS = 50
SEED = 20


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_kills_at_random_moments_break_no_promise(
    request: pytest.FixtureRequest, zygote: Zygote, store: str
) -> None:
    postgres = request.getfixturevalue("postgres") if store == "postgresql" else None
    place = postgres.create_database() if postgres else None
    verdict = run_trial(zygote, CHAOS.with_kills(KILLS), place, SEED)
    print(details(verdict))
    assert verdict.violations == []
    assert verdict.tally.kills >= KILLS
    assert verdict.tally.at_work > KILLS // 4
    assert verdict.faults > 0
    assert verdict.versions > verdict.records > 0


@pytest.mark.slow
@pytest.mark.parametrize("climate", FOR_SABOTAGES, ids=lambda climate: climate.name)
def test_the_engine_breaks_no_promise_where_sabotages_must_show(
    zygote: Zygote, climate: Climate
) -> None:
    verdict = run_trial(zygote, climate, None, SEED)
    print(details(verdict))
    assert verdict.violations == []


@pytest.mark.slow
@pytest.mark.parametrize("sabotage", SABOTAGES.values(), ids=SABOTAGES)
def test_a_sabotage_is_caught(zygote: Zygote, sabotage: Sabotage) -> None:
    assert hunt(zygote, sabotage, lambda: None, SEED).violations, sabotage.text


def test_there_are_twelve_sabotages() -> None:
    assert len(SABOTAGES) == 12
