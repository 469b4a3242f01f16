"""What the tests of ``fhir-backpain mapping`` share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FEED = """\
feed: scores
makes: assessment
table: {missing: [""]}
record:
  id: {=text: "{mrn}-{visit}"}
  source: https://clinic.example/scores
  patient:
    identifier: {system: https://clinic.example/mrn, value: =mrn}
  assessed_at: {=date: visit}
  scores:
    - {measure: odi, score: {=number: odi}}
ignore:
  - {path: by, because: not clinical}
"""
TABLE = "mrn,visit,odi,by\nP-1,2026-03-01,44,kb\nP-2,2026-03-32,20,kb\nP-3,2026-03-03,,kb\n"


def write(path: Path, *texts: Any) -> Path:
    """Write a text, or data as NDJSON, and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [text if isinstance(text, str) else json.dumps(text) + "\n" for text in texts]
    path.write_text("".join(lines), "utf-8")
    return path


def replaced(path: Path, old: str, new: str) -> int:
    """Replace a text that stands once in a file; return its line."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new), "utf-8")
    return text[: text.index(old)].count("\n") + 1
