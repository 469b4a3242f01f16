"""Every kind of problem that the outbox reports, numbered 5xxx."""

from __future__ import annotations

from fhir_backpain.outcome import Message

NOT_AN_OUTBOX = Message(
    5001, "structure", "The file is not an outbox",
    "Name another file, or put a backup of the outbox in its place. It was left as it is.",
)  # fmt: skip
CORRUPT = Message(
    5002, "structure", "The outbox is damaged",
    "Restore a backup, or save what can be read with `sqlite3 FILE .recover`. "
    "It was left as it is.",
)  # fmt: skip
NEWER_SCHEMA = Message(
    5003, "not-supported", "The outbox was written by a newer version",
    "Install the version of fhir-backpain that wrote it, or a later one.",
)  # fmt: skip
BUSY = Message(
    5004, "lock-error", "The outbox is locked by another process",
    "Try again; nothing of this step was stored.",
)  # fmt: skip
FULL = Message(
    5005, "no-store", "The outbox cannot be written: the disk is full",
    "Make room on the disk and run again; what was acknowledged is safe.",
)  # fmt: skip
UNWRITABLE = Message(
    5006, "exception", "The outbox cannot be read or written",
    "Check the disk and the rights on the file and its folder; what was acknowledged is safe.",
)  # fmt: skip
UNKNOWN_ENTRY = Message(
    5007, "not-found", "No such outbox entry",
    "List the entries and use one of their tracking ids.",
)  # fmt: skip
NOT_ALLOWED = Message(
    5008, "conflict", "The entry is not in a state for this",
    "Look at the entry's state; wait until it is settled or use the record's newest entry.",
)  # fmt: skip
CLOSED = Message(
    5009, "exception", "The outbox was closed", "Open it again.",
)  # fmt: skip
UNREACHABLE = Message(
    5010, "transient", "PostgreSQL cannot be reached",
    "Check that the server runs and that address, database and user are right; the password "
    "comes from the environment (PGPASSWORD, PGPASSFILE). Nothing of this step was stored.",
)  # fmt: skip
DRIVER_MISSING = Message(
    5011, "not-supported", "PostgreSQL's driver is not installed",
    "Run `pip install 'fhir-backpain[postgres]'`, or name a file as the outbox.",
)  # fmt: skip
NOT_STORABLE = Message(
    5012, "value", "A record holds what the outbox cannot keep",
    "Look for characters without a form in UTF-8 text, such as NUL, in the record.",
)  # fmt: skip
WRONG_REASON = Message(
    5014, "value", "The reason cannot be kept in the audit trail",
    "Give one line of text that names no patient; entries are known by their tracking ids.",
)  # fmt: skip
WRONG_ADDRESS = Message(
    5013, "value", "The outbox's address cannot be read",
    "Name a file, or a database as postgresql://user@host:5432/name.",
)  # fmt: skip
MET = Message(
    5015, "conflict", "Two workers wrote the same resource at the same time",
    "Nothing is to be done: what the server holds is read, and what was true last is put there.",
    "warning",
)  # fmt: skip
