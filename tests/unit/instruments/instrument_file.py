"""An instrument's file for tests: every entry that scoring and meaning can have."""

from __future__ import annotations

from pathlib import Path

from fhir_backpain.instruments.instrument import Instrument, read_instrument

FULL = """\
instrument: full
title: An instrument with everything
domain: psychosocial
reported by: patient
items: {ids: [1-4, 9a, 9b], range: [0, 4]}
measures:
  full-total:
    code: x.total
    unit: unit.score
    range: [0, 17]
    direction: lower-is-better
    important change: {value: 2.5, of: absolute, source: A study}
    bands: {source: Another study, steps: [{to: 5, name: mild}, {to: 17, name: severe}]}
  full-mean: {code: x.mean, unit: unit.score, range: [0, 4], direction: higher-is-better}
  full-percent: {code: x.percent, unit: unit.score, range: [0, 100]}
  full-risk: {code: x.risk, levels: {low: x.low, high: x.high}}
scoring:
  source: The paper of the scale
  reversed: [2, 3]
  recode: {9b: {0: 0, 1: 0, 2: 1}}
  measures:
    full-risk:
      levels:
        - {is: low, where: {full-total: [0, 8]}}
        - {is: high}
    full-total: {sum: [1-3, 9a, 9b]}
    full-mean: {mean: 1-4, missing items: {at most: 2, then: prorate}}
    full-percent: {percent of maximum: [3-4, 9a], missing items: {at most: 1, then: prorate}}
licence: Nobody owns it.
"""


def read(folder: Path, text: str = FULL) -> Instrument:
    """Return the instrument of a text."""
    path = folder / "full.yaml"
    path.write_text(text, "utf-8")
    return read_instrument(path)
