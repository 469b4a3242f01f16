"""Every kind of problem that sending reports, numbered 6050 to 6099."""

from __future__ import annotations

from fhir_backpain.outcome import Message

NOT_PROVEN = Message(
    6050, "incomplete", "The answer does not prove that the resource was written",
    "Nothing needs to be done: it is read from the server before it is sent again.",
)  # fmt: skip
DELETED_THERE = Message(
    6051, "deleted", "The resource was deleted on the server",
    "Discard the entry; or restore the resource on the server, then replay the entry.",
)  # fmt: skip
HELD = Message(
    6052, "not-found", "The record needs a resource that is not on the server yet",
    "Correct the rejected record of the same patient; this one then goes on by itself.",
)  # fmt: skip
KEEPS_FAILING = Message(
    6053, "exception", "The server fails on this record each time, and not on others",
    "Look for the cause in the server's log, then replay the entry.",
)  # fmt: skip
REFUSES_ALL = Message(
    6055, "processing", "The server refuses every record for the same reason",
    "Correct the server's settings, or what it says of the records; then replay the rejected "
    "entries and run again. All others are still queued.",
)  # fmt: skip
