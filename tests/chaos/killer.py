"""The killer: kill -9 at random moments, one worker or both, and now and then a long standstill."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.chaos.activity import Activity
from tests.chaos.cruelty import Cruelty
from tests.chaos.worker import Order, activity_path, journal_path
from tests.chaos.zygote import Zygote

_BOTH = 0.2
_BEGUN = 0.9
"""The share of blows that wait until the workers have begun, however slow the machine is."""
_STANDSTILL = 1.5
"""How long a worker stands still at least, in times that a lease lasts."""
_STEPS = 3
"""What another lane is to append in that time, as far as it does so within `_PATIENCE`."""
_PATIENCE = 5.0
_GRACE = 20.0
_AFTERWARDS = 1.0
"""How long a worker that has stood still may go on."""


@dataclass(slots=True)
class Tally:
    """What was done to the workers. `met` counts what kills met under way, by act."""

    kills: int = 0
    at_work: int = 0
    standstills: int = 0
    met: Counter[str] = field(default_factory=Counter)
    ended: list[str] = field(default_factory=list)


class Lane:
    """One worker after the other, each going on where the last one was killed."""

    def __init__(self, zygote: Zygote, order: Order) -> None:
        self._zygote = zygote
        self.order = order
        self._activity = Activity(activity_path(Path(order.folder), order.lane))
        self._pid = 0
        self._stopped_at: float | None = None

    @property
    def is_still(self) -> bool:
        """True where its worker was stopped and has not been told to go on."""
        return self._stopped_at is not None

    @property
    def has_settled(self) -> bool:
        """True once its worker has settled what it has sent."""
        return self._activity.was_done("settle")

    @property
    def has_stopped(self) -> bool:
        """True where its worker has stopped itself."""
        text = Path(f"/proc/{self._pid}/stat").read_text()
        return text.rpartition(")")[2].split()[0] == "T"

    @property
    def stood_for(self) -> float:
        """The seconds for which its worker has stood still."""
        return 0.0 if self._stopped_at is None else time.monotonic() - self._stopped_at

    @property
    def steps(self) -> int:
        """How many steps were acknowledged so far."""
        path = journal_path(Path(self.order.folder), self.order.lane)
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def acts(self) -> list[str]:
        """Return what its worker is doing."""
        return list(self._activity.now())

    @property
    def has_begun(self) -> bool:
        """True once its worker has done anything."""
        return self._activity.has_begun

    def start(self, **changes: object) -> None:
        """Start a worker."""
        self._stopped_at = None
        self._activity.clear()
        self._pid = self._zygote.spawn(replace(self.order, **changes))  # type: ignore[arg-type]

    def kill(self, tally: Tally) -> None:
        """Kill the worker, note what it was at, and see its end."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        while (code := self._zygote.poll(self._pid)) is None:
            time.sleep(0.001)
        if code != -signal.SIGKILL:
            tally.ended.append(f"lane {self.order.lane} ended by itself with exit code {code}")
            return
        acts = self.acts()
        tally.kills += 1
        tally.at_work += bool(acts)
        tally.met.update(acts or ["idle"])

    def stand_still(self) -> None:
        """Stop the worker in the middle of what it does."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGSTOP)
        self._stopped_at = time.monotonic()

    def go_on(self) -> None:
        """Let a worker that stands still go on."""
        self._stopped_at = None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGCONT)

    def end(self) -> int | None:
        """Return the exit code where the worker has ended by itself."""
        return self._zygote.poll(self._pid)


class Killer:
    """Deals with the lanes of one run."""

    def __init__(self, lanes: Sequence[Lane], cruelty: Cruelty, seed: int) -> None:
        self._lanes = lanes
        self._cruelty = cruelty
        self._chance = random.Random(f"killer {seed}")
        self._awaited = 0
        self.tally = Tally()

    def run(self) -> None:
        """Start the workers and kill them until there were enough kills; they are dead then."""
        if self._cruelty.stop is not None:
            self._run_with_stop()
        else:
            self._run_by_chance()
        for lane in self._lanes:
            lane.kill(self.tally)

    def _run_with_stop(self) -> None:
        """Let the first worker stop itself, the others work meanwhile, and it then go on."""
        first, *others = self._lanes
        first.start(stop=self._cruelty.stop)
        self._wait_for(lambda: first.has_stopped, seconds=_GRACE)
        for lane in others:
            lane.start()
        time.sleep(self._cruelty.still)
        # Where nobody may touch what it holds, they have nothing to settle.
        self._wait_for(lambda: all(lane.has_settled for lane in others), seconds=_PATIENCE)
        self.tally.standstills += 1
        first.go_on()
        self._wait(_AFTERWARDS)

    def _run_by_chance(self) -> None:
        for lane in self._lanes:
            lane.start()
        while self.tally.kills < self._cruelty.kills and len(self.tally.ended) < 20:
            if self._chance.random() < _BEGUN:
                self._wait_for(lambda: all(one.has_begun or one.is_still for one in self._lanes))
            self._wait(self._chance.uniform(*self._cruelty.pace))
            lane = self._chance.choice(self._lanes)
            if lane.is_still:
                continue
            if self._chance.random() < self._cruelty.standstills:
                self._stop(lane)
                continue
            both = self._chance.random() < _BOTH
            for one in self._lanes if both else [lane]:
                one.kill(self.tally)
                one.start()
        self._wait_for(lambda: self._steps >= self._cruelty.steps, seconds=60.0)

    def finish(self, seconds: float) -> bool:
        """Let new workers end what is begun; False where they do not.

        Where a worker was stopped on purpose, these are sound: what is wrong then came of the stop.
        """
        sound = {} if self._cruelty.stop is None else {"sabotage": None}
        for lane in self._lanes:
            lane.start(finish=True, seconds=seconds, **sound)
        left = list(self._lanes)
        end = time.monotonic() + seconds + _GRACE
        codes: list[int] = []
        while left and time.monotonic() < end:
            time.sleep(0.02)
            for lane in list(left):
                code = lane.end()
                if code is not None:
                    left.remove(lane)
                    codes.append(code)
        for lane in left:
            lane.kill(Tally())
        return codes == [0] * len(self._lanes)

    def _stop(self, lane: Lane) -> None:
        """Let a lane stand still until its leases are over and the others have gone on."""
        self.tally.standstills += 1
        lane.stand_still()
        self._awaited = self._steps + _STEPS

    def _let_go(self) -> None:
        """Let those go on that have stood still for long enough."""
        for lane in self._lanes:
            is_over = lane.stood_for > _STANDSTILL * lane.order.lease_seconds
            if is_over and (self._steps >= self._awaited or lane.stood_for > _PATIENCE):
                lane.go_on()

    @property
    def _steps(self) -> int:
        return sum(lane.steps for lane in self._lanes)

    def _wait_for(self, reached: Callable[[], bool], seconds: float = 3.0) -> None:
        end = time.monotonic() + seconds
        while not reached() and time.monotonic() < end:
            self._wait(0.01)

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._let_go()
            time.sleep(min(left, 0.02))
