"""A short soak: the real worker, killed and met by faults; `make soak` runs the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.soak.run import Plan, Soak


@pytest.mark.slow
def test_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    plan = Plan(resources=2_000, patients=50, faults=0.2, kills=4, seed=7)
    result = Soak(plan, tmp_path, print).run()
    assert result.violations.total() == 0, result.violations
    assert set(result.settled) <= {"sent", "superseded"}, result.settled
    assert result.resources >= plan.resources
    assert result.kills == plan.kills
    assert result.fired > 0
    assert result.worker.peak > 0
