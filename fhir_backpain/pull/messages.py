"""Every kind of problem that pulling reports, numbered 6101 to 6149."""

from __future__ import annotations

from fhir_backpain.outcome import Message

FEED_INCOMPLETE = Message(
    6101, "incomplete", "The changes could not be read to their end",
    "Run pull again: it goes on where it was, and delivers nothing twice.",
)  # fmt: skip
ENTRY_UNREADABLE = Message(
    6102, "structure", "Changes that name no resource",
    "See the server's log: an entry of its history or search has no type, id or version.",
    "warning",
)  # fmt: skip
NOT_OURS = Message(
    6103, "not-supported", "Changes of resources that belong to no record",
    "Nothing needs to be done, unless they were meant to come back: then give them an identifier "
    "of a record.",
    "warning",
)  # fmt: skip
RECORD_UNREADABLE = Message(
    6104, "not-supported", "A change cannot be carried into its record",
    "Read the resource on the server and enter the change in the source by hand.",
)  # fmt: skip
ELEMENT_LEFT_OUT = Message(
    6105, "not-supported", "An element of a changed resource has no place in a record",
    "Nothing needs to be done if the source does not need it; it stays on the server.",
    "warning",
)  # fmt: skip
BOTH_CHANGED = Message(
    6106, "conflict", "The server and the source have both changed a record",
    "Decide with 'fhir-backpain pull resolve'.",
)  # fmt: skip
ENTRY_UNDER_WAY = Message(
    6107, "lock-error", "The source's version of a record is being sent",
    "Run pull again once sync is through.",
    "warning",
)  # fmt: skip
DELIVERY_REFUSED = Message(
    6108, "processing", "The receiver refuses a delivery",
    "Correct the receiver, then queue it again with 'fhir-backpain pull retry'.",
)  # fmt: skip
SINK_UNAVAILABLE = Message(
    6109, "transient", "The receiver cannot be reached or asks to wait",
    "Run pull again: what waits is delivered first.",
)  # fmt: skip
SINK_TOUCHED = Message(
    6110, "conflict", "Somebody else wrote to a file of deliveries",
    "Move the file away, and a new one is begun.",
)  # fmt: skip
SINK_UNWRITABLE = Message(
    6111, "no-store", "Deliveries cannot be written",
    "Check the path, its permissions and the disk.",
)  # fmt: skip
SINK_FORM = Message(
    6112, "value", "Unknown destination",
    "Write ndjson:FILE, csv:FOLDER, directory:FOLDER or an http or https URL.",
)  # fmt: skip
STATE_UNUSABLE = Message(
    6113, "no-store", "The state of pulling cannot be used",
    "Restore the file, or name another with --state: then everything is delivered anew.",
)  # fmt: skip
STATE_OF_ANOTHER = Message(
    6114, "business-rule", "The state belongs to another server or destination",
    "Keep one state file for each server and destination; name it with --state.",
)  # fmt: skip
STATE_IN_USE = Message(
    6115, "lock-error", "Another pull uses the state", "Wait until it has ended, or stop it.",
)  # fmt: skip
NO_FEED = Message(
    6116, "not-supported", "The server does not tell of changes of some types",
    "Changes of these types do not come back; ask for history or search by _lastUpdated.",
    "warning",
)  # fmt: skip
UNKNOWN_CONFLICT = Message(
    6117, "not-found", "There is no such conflict", "List them with 'fhir-backpain pull resolve'.",
)  # fmt: skip
INSTANT_FORM = Message(
    6118, "value", "Not an instant", "Write it with its zone, such as 2026-03-01T00:00:00Z.",
)  # fmt: skip
NO_SUBSCRIPTIONS = Message(
    6119, "not-supported", "No Subscription can be made",
    "Changes are polled for: choose --interval. The callback is the URL at which the server can "
    "reach this machine, such as http://10.0.0.7:8490/changed.",
    "warning",
)  # fmt: skip
LISTENING = Message(
    6120, "value", "Cannot listen for the server's calls",
    "Name a free port and an address of this machine with --listen.",
)  # fmt: skip
CALL_REFUSED = Message(
    6121, "login", "A call that no Subscription makes",
    "Only the FHIR server calls here, with the secret of its Subscription.",
)  # fmt: skip
