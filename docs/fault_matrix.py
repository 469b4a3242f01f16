"""The page of the fault matrix: each fault, what comes of it, and the tests that show it.

The tests are found by their names, ``test_row_17_…``, or ``test_rows_14_15_16_…`` for several rows.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
_NAME = re.compile(r"test_rows?_((?:[0-9]{2}_)+)")

# Row: (what goes wrong, what comes of it).
ROWS: dict[int, tuple[str, str]] = {
    1: (
        "the process is killed at any moment",
        "the next run goes on at once; nothing is lost or sent twice",
    ),
    2: (
        "it is killed when the server had stored the bundle and the outbox did not know",
        "the server is read first, and what is there is not sent again",
    ),
    3: (
        "it is asked to end (SIGTERM)",
        "bundles under way are finished, the rest stays queued, exit code 0",
    ),
    4: (
        "a worker stands still until its lease is over, and then goes on",
        "it sends nothing any more, or is refused by the version it names",
    ),
    5: ("two gateways share an outbox", "each record goes once"),
    6: (
        "the disk is full",
        "what cannot be stored is not acknowledged (507); it goes on once there is room",
    ),
    7: ("the disk reports an error on writing", "no acknowledgement"),
    8: (
        "the database is locked, or restarted",
        "no acknowledgement without a commit; it connects again",
    ),
    9: ("the word that there is work gets lost", "the next look at the outbox finds it"),
    10: (
        "the outbox file is damaged",
        "the program says so and does not start; the file is left alone",
    ),
    11: (
        "the outbox is copied while it is written to",
        "the copy opens and has what was acknowledged",
    ),
    12: (
        "a migration breaks off, or an older program meets a newer outbox",
        "the migration goes on; the older program refuses",
    ),
    13: (
        "the server or its name is not to be found for a day",
        "all stays queued; such attempts are not counted",
    ),
    14: ("the connection breaks before the request has left", "it is sent again"),
    15: (
        "the answer is lost after the server has stored the bundle",
        "unclear, read back, nothing twice",
    ),
    16: ("the answer breaks off", "as 15"),
    17: (
        "the answer comes byte by byte, without end",
        "the deadline of the request ends it; then as 15",
    ),
    18: ("the server cannot prove who it is", "nothing is sent, and never without TLS instead"),
    19: (
        "the server asks to wait, in whatever form, also for one entry of a batch",
        "no request comes earlier; absurd times are cut; only those entries go again",
    ),
    20: ("another failure of the server, or a page of HTML, or nothing, with 200", "as 15"),
    21: (
        "the server refuses a record",
        "rejected after one try with the server's reasons; what needs it is held",
    ),
    22: (
        "many workers at once learn that their token is no longer good",
        "one of them asks for a new one, for all",
    ),
    23: (
        "somebody else has changed the resource on the server",
        "in conflict, nothing is overwritten; a person replays or discards",
    ),
    24: ("several resources have the identifier", "in conflict, nothing is written"),
    25: (
        "searches pass criteria over",
        "seen by a harmless search; no resource is addressed by search there",
    ),
    26: (
        "one entry makes the whole transaction fail",
        "its record is found and named, the others go through",
    ),
    27: (
        "a bundle has more entries than the server takes",
        "split, what is referred to first; the limit is remembered",
    ),
    28: (
        "the answer to a bundle is short, in another order or mixed",
        "only what it proves counts",
    ),
    29: (
        "a search does not show yet what was written",
        "reads go by id, creation is guarded by the server or waits; nothing is created twice",
    ),
    30: (
        "the next page leads to another host, in a circle or nowhere",
        "reading ends and is said to be incomplete; it can be started again",
    ),
    31: (
        "times of changes are equal, or the server's clock is wrong",
        "windows overlap, and what is known by id and version is passed over",
    ),
    32: ("the local clock jumps", "leases and waits do not"),
    33: ("the resource was deleted on the server", "in conflict; it is not brought back"),
    34: (
        "no token is to be had, or the key was replaced",
        "the queue waits; a new key file is read without a restart",
    ),
    35: ("100,000 records wait", "memory stays flat, and patients take turns"),
    36: (
        "records of one bundle make the same resource",
        "it is in the bundle once, with the content that was true last",
    ),
}


def fault_matrix_page() -> str:
    """Return the table of all rows with their tests."""
    tests = tests_by_row()
    rows = [
        f"| {row} | {fault} | {result} | {', '.join(tests.get(row, ())) or 'none yet'} |"
        for row, (fault, result) in ROWS.items()
    ]
    return "\n".join(
        [
            "# What can go wrong, and what comes of it",
            "",
            "Records are sent at least once and have an effect once, as long as nobody else writes",
            "under the same identifiers. Each row is shown by the tests that bear its number.",
            "",
            "| row | fault | what comes of it | tests |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def tests_by_row() -> dict[int, list[str]]:
    """Return the names of the tests of each row, sorted."""
    found: dict[int, set[str]] = {}
    for name in _tests():
        match = _NAME.match(name)
        for row in match[1].strip("_").split("_") if match else ():
            found.setdefault(int(row), set()).add(f"`{name}`")
    return {row: sorted(names) for row, names in found.items()}


def _tests() -> Iterator[str]:
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield node.name
