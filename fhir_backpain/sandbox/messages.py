"""Every kind of problem that the sandbox server reports, numbered 9xxx."""

from __future__ import annotations

from fhir_backpain.outcome import Message

UNKNOWN_TYPE = Message(
    9001, "not-supported", "Unknown resource type",
    "Use a type that the CapabilityStatement at metadata lists.",
)  # fmt: skip
UNKNOWN_RESOURCE = Message(
    9002, "not-found", "No such resource",
    "Check the logical id, or create the resource first.",
)  # fmt: skip
DELETED_RESOURCE = Message(
    9003, "deleted", "The resource was deleted",
    "Read its _history, or bring it back with a PUT.",
)  # fmt: skip
UNKNOWN_INTERACTION = Message(
    9004, "not-supported", "Unknown interaction",
    "Use an interaction that the CapabilityStatement at metadata lists.",
)  # fmt: skip
UNSUPPORTED_MEDIA = Message(
    9005, "not-supported", "Unsupported media type",
    "Send and accept application/fhir+json in UTF-8, plain or gzip.",
)  # fmt: skip
TOO_LARGE = Message(
    9007, "too-long", "The request is too large", "Split it into smaller requests.",
)  # fmt: skip
WRONG_BODY = Message(
    9008, "structure", "The body does not fit the request",
    "Send a resource whose resourceType and id agree with the URL.",
)  # fmt: skip
INVALID_ID = Message(
    9009, "value", "Not a logical id",
    "Use 1 to 64 characters out of A-Z, a-z, 0-9, '-' and '.'.",
)  # fmt: skip
VERSION_CONFLICT = Message(
    9010, "conflict", "Another version is on the server",
    "Read the resource, merge, and send it with the new ETag in If-Match.",
)  # fmt: skip
MULTIPLE_MATCHES = Message(
    9011, "multiple-matches", "The criteria match more than one resource",
    "Use criteria that identify one resource, such as identifier=system|value.",
)  # fmt: skip
INVALID_CRITERIA = Message(
    9012, "processing", "The criteria cannot select a resource",
    "Use supported search parameters with a value.",
)  # fmt: skip
UNKNOWN_PARAMETER = Message(
    9013, "not-supported", "Unknown search parameter",
    "Use a search parameter that the CapabilityStatement at metadata lists for the type.",
)  # fmt: skip
INVALID_PARAMETER = Message(
    9014, "value", "Wrong value of a search parameter", "Correct the value of the parameter.",
)  # fmt: skip
INVALID_PAGE = Message(
    9015, "value", "Not a page of this server", "Start the search or history again.",
)  # fmt: skip
DANGLING_REFERENCE = Message(
    9016, "not-found", "The reference leads to nothing",
    "Send the referenced resource first, or in the same transaction.",
)  # fmt: skip
UNRESOLVED_CONDITION = Message(
    9017, "processing", "The conditional reference does not name one resource",
    "Send the referenced resource first, or use criteria that match one resource.",
)  # fmt: skip
DUPLICATE_ENTRY = Message(
    9018, "duplicate", "The same resource comes twice in one transaction",
    "Merge the entries, or send them in two transactions.",
)  # fmt: skip
INVALID_ENTRY = Message(
    9019, "structure", "The bundle entry cannot be processed",
    "Correct Bundle.entry and send the bundle again.",
)  # fmt: skip
BUSY = Message(
    9020, "lock-error", "The database is busy", "Send the request again a little later.",
)  # fmt: skip
FULL = Message(
    9021, "no-store", "The database cannot be written", "Make room on the disk, then retry.",
)  # fmt: skip
INTERNAL = Message(
    9022, "exception", "The server failed", "Report the kind and place given in the server's log.",
)  # fmt: skip
INVALID_DATABASE = Message(
    9023, "structure", "The database file cannot be used",
    "Name a new file, or one that this version of the sandbox has made.",
)  # fmt: skip
INVALID_FAULT = Message(
    9024, "value", "The fault rule cannot be used", "Correct the rule and send it again.",
)  # fmt: skip
INJECTED_FAULT = Message(
    9025, "transient", "A fault asked for by a fault rule", "Handle it as a real one.",
)  # fmt: skip
DELETED_DONE = Message(
    9026, "informational", "Deleted", "Nothing.", "information",
)  # fmt: skip
WRITTEN_DONE = Message(
    9027, "informational", "Stored", "Nothing.", "information",
)  # fmt: skip
INVALID_REQUEST = Message(
    9028, "invalid", "The request cannot be read", "Correct the request and send it again.",
)  # fmt: skip
INVALID_ADDRESS = Message(
    9029, "processing", "The server cannot listen there", "Choose another host or port.",
)  # fmt: skip
