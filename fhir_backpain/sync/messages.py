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
CHANGED_THERE = Message(
    6056, "conflict", "The resource was changed on the server",
    "Compare the two; then replay the entry to write the record's content, or discard it.",
)  # fmt: skip
NO_SAFE_WAY = Message(
    6057, "not-supported", "The server offers no safe way to write",
    "Let the server accept ids of clients (updateCreate), or searches by identifier.",
)  # fmt: skip
SEVERAL_MATCH = Message(
    6058, "multiple-matches", "Several resources on the server have the same identifier",
    "Merge or remove the duplicates on the server, then replay the entry.",
)  # fmt: skip
NOT_FOUND_YET = Message(
    6059, "transient", "A search does not show whether the resource was written",
    "Nothing needs to be done: it is searched for again before it is created.",
)  # fmt: skip
NO_TARGET = Message(
    6060, "not-found", "A resource that is referred to is not on the server",
    "Send the record that makes it first.",
)  # fmt: skip
SEARCH_WRONG = Message(
    6061, "not-supported", "The server's search returned what was not asked for",
    "Nothing was written; let the server support searches by identifier.",
)  # fmt: skip
LEASE_OVER = Message(
    6063, "lock-error", "The lease ended while the record was under way",
    "Nothing needs to be done: another worker has the record.",
)  # fmt: skip
FEED_NOT_WHOLE = Message(
    6064, "incomplete", "Nothing is taken back, since the feed was not read as a whole",
    "Correct the rejected records and run again; what the feed no longer has is taken back then.",
    "warning",
)  # fmt: skip
FEED_TOO_SHORT = Message(
    6065, "business-rule", "Nothing is taken back, since the feed lacks too much",
    "Check the export. If the records are really gone, run again and allow it with "
    "--retire-at-most, such as 50 or 30%.",
)  # fmt: skip
EARLIER_WAITS = Message(
    6066, "transient", "An earlier record of the patient waits",
    "Nothing needs to be done: it is sent once that one is.",
)  # fmt: skip
