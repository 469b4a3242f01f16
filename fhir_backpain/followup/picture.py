"""Trajectories as a picture: one SVG, the same bytes for the same data, without scripts or links.

It follows the reader's light or dark scheme, and says all of it as text too (title, desc). The
patient is not named in it, nor are ids of records, which may hold the patient's number.

SVG: https://www.w3.org/TR/SVG2/struct.html#DescElement
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from fhir_backpain.followup.history import plain_number
from fhir_backpain.followup.markup import Attributes, element, text_of
from fhir_backpain.followup.plot import HEIGHT, LEFT, RIGHT, WIDTH, Plot
from fhir_backpain.followup.summary import gist_of, name_of, table_lines
from fhir_backpain.followup.trajectory import PlanMark, Trajectory

_STYLE = """
.ground{fill:#ffffff}.frame{fill:none;stroke:#8a8f98}.grid{stroke:#d9dce1}
.ink{fill:#1d2127}.faint{fill:#5a616b}.band{fill:#2f6db3;fill-opacity:.14}
.line{fill:none;stroke:#0b5cad;stroke-width:2}.dot{fill:#0b5cad}
.gap{stroke:#8c3b00;stroke-width:2}.mark{stroke:#6b3fa0;stroke-dasharray:4 3}.flag{fill:#6b3fa0}
text{font-family:sans-serif;font-size:12px}.head{font-size:14px;font-weight:bold}
@media (prefers-color-scheme:dark){
.ground{fill:#14171c}.frame{stroke:#7c838e}.grid{stroke:#333942}
.ink{fill:#eef1f5}.faint{fill:#b3bac4}.band{fill:#7db4f0;fill-opacity:.2}
.line{stroke:#7db4f0}.dot{fill:#7db4f0}
.gap{stroke:#ffb07a}.mark{stroke:#c9a7f5}.flag{fill:#c9a7f5}}
""".strip()

_TOP = 44  # of a panel: its title and what the change comes to
_FOOT = 30  # the days below it
_HEAD = 34
_LINE = 16
_TEXT_WIDTH = 112
DEFAULT_TITLE = "Follow-up of back pain"


def draw(trajectories: Sequence[Trajectory], title: str = DEFAULT_TITLE) -> str:
    """Return the SVG text of some trajectories of one patient, a panel for each.

    Values that are missing leave a gap in the line and a cross at its foot. The shaded band
    is where a change from the baseline is not important; dashed lines are changes of the plan.
    """
    notes = list(_notes(trajectories))
    panel = _TOP + HEIGHT + _FOOT
    height = _HEAD + len(trajectories) * panel + _LINE * (len(notes) + 1)
    parts = [
        element("title", {"id": "trajectory-title"}, text_of(title)),
        element("desc", {"id": "trajectory-desc"}, text_of(_description(trajectories, notes))),
        element("style", {}, _STYLE),
        element("rect", {"class": "ground", "width": WIDTH, "height": height}),
        _text(LEFT, 22, title, "ink head"),
    ]
    for number, trajectory in enumerate(trajectories):
        parts += _panel(trajectory, _HEAD + number * panel)
    for number, note in enumerate(notes):
        parts.append(_text(LEFT, height - _LINE * (len(notes) - number), note, "ink"))
    attributes: Attributes = {
        "xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDTH} {height}",
        "width": WIDTH, "height": height, "role": "img",
        "aria-labelledby": "trajectory-title trajectory-desc",
    }  # fmt: skip
    return element("svg", attributes, "\n" + "\n".join(parts) + "\n") + "\n"


def _panel(trajectory: Trajectory, top: int) -> Iterator[str]:
    plot = Plot.of(trajectory, top + _TOP)
    yield _text(LEFT, top + 18, name_of(trajectory), "ink head")
    yield _text(LEFT, top + 35, gist_of(trajectory), "faint")
    yield from _grid(plot)
    yield from _band(trajectory, plot)
    yield from _marks(trajectory.marks, plot)
    yield from _values(trajectory, plot)


def _grid(plot: Plot) -> Iterator[str]:
    for value in plot.ticks():
        y = plot.y(value)
        line: Attributes = {"class": "grid", "x1": LEFT, "x2": WIDTH - RIGHT, "y1": y, "y2": y}
        yield element("line", line)
        yield _text(LEFT - 6, y + 4, plain_number(value), "faint", "end")
    for moment in _days(plot):
        x = plot.x((moment, 0))
        anchor = "start" if x < LEFT + 30 else "end" if x > WIDTH - RIGHT - 30 else "middle"
        yield _text(x, plot.bottom + 18, moment.date().isoformat(), "faint", anchor)
    frame: Attributes = {"class": "frame", "x": LEFT, "y": plot.top, "width": WIDTH - RIGHT - LEFT}
    yield element("rect", {**frame, "height": HEIGHT})


def _days(plot: Plot) -> list[datetime]:
    days = (plot.last - plot.first).days
    steps = min(4, days)
    if not steps:
        return [plot.first]
    return [
        plot.first + timedelta(seconds=plot.seconds * step / steps) for step in range(steps + 1)
    ]


def _band(trajectory: Trajectory, plot: Plot) -> Iterator[str]:
    limits, threshold = trajectory.unimportant, trajectory.threshold
    if limits is None or threshold is None:
        return
    upper = max(plot.y(limits[1]), plot.top)
    lower = min(plot.y(limits[0]), plot.bottom)
    words = f"No important change: less than {plain_number(threshold)} from the baseline"
    band: Attributes = {"class": "band", "x": LEFT, "y": upper, "width": WIDTH - RIGHT - LEFT}
    yield element("rect", {**band, "height": lower - upper}, element("title", {}, text_of(words)))


def _marks(marks: Iterable[PlanMark], plot: Plot) -> Iterator[str]:
    for number, mark in enumerate(marks, start=1):
        x = plot.x(mark.moment)
        words = element("title", {}, text_of(f"{mark.at[:10]}: {mark.words}"))
        line: Attributes = {"class": "mark", "x1": x, "x2": x, "y1": plot.top, "y2": plot.bottom}
        yield element("line", line, words)
        yield _text(x + 3, plot.top + 12, str(number), "flag")


def _values(trajectory: Trajectory, plot: Plot) -> Iterator[str]:
    run: list[str] = []
    shown: list[str] = []
    for point in trajectory.points:
        x = plot.x(point.moment)
        if point.value is None:
            yield from _line(run)
            run = []
            words = element("title", {}, text_of(f"{point.day}: missing, {point.missing_reason}"))
            cross = f"M{x - 4:.1f} {plot.bottom - 12}l8 8m0 -8l-8 8"
            shown.append(element("path", {"class": "gap", "d": cross}, words))
            continue
        y = plot.y(point.value)
        run.append(f"{x:.1f},{y:.1f}")
        words = element("title", {}, text_of(f"{point.day}: {plain_number(point.value)}"))
        shown.append(element("circle", {"class": "dot", "cx": x, "cy": y, "r": 4}, words))
    yield from _line(run)
    yield from shown


def _line(run: list[str]) -> Iterator[str]:
    if len(run) > 1:
        yield element("polyline", {"class": "line", "points": " ".join(run)})


def _notes(trajectories: Iterable[Trajectory]) -> Iterator[str]:
    """Yield what the numbers at the dashed lines mean, in lines that fit."""
    marks = next((one.marks for one in trajectories), ())
    for number, mark in enumerate(marks, start=1):
        words = f"{number}  {mark.at[:10]}: {mark.words}"
        yield from textwrap.wrap(words, _TEXT_WIDTH, subsequent_indent="    ")


def _description(trajectories: Iterable[Trajectory], notes: Iterable[str]) -> str:
    lines = [line for one in trajectories for line in ("", *table_lines(one, with_records=False))]
    return "\n".join([*lines, "", *notes]).strip()


def _text(x: float, y: float, words: str, style: str, anchor: str = "start") -> str:
    return element("text", {"class": style, "x": x, "y": y, "text-anchor": anchor}, text_of(words))
