"""Every kind of problem that the gateway reports, numbered 8100 to 8149."""

from __future__ import annotations

from fhir_backpain.outcome import Message

WRONG_BODY = Message(
    8101, "structure", "The body is not what is taken here",
    "Send one record as a JSON object, several as a JSON list or as NDJSON.",
)  # fmt: skip
UNKNOWN_PATH = Message(
    8102, "not-found", "No such path", "Use a path that the page at / or the documentation lists.",
)  # fmt: skip
WRONG_METHOD = Message(
    8103, "not-supported", "The path does not take this method",
    "Use a method that the Allow header names.",
)  # fmt: skip
WRONG_MEDIA = Message(
    8104, "not-supported", "Unsupported media type",
    "Send application/json or application/x-ndjson in UTF-8, not compressed.",
)  # fmt: skip
NOT_ACCEPTABLE = Message(
    8105, "not-supported", "No such format is offered", "Accept JSON, or leave the format open.",
)  # fmt: skip
TOO_LARGE = Message(
    8106, "too-long", "The request is too large", "Send fewer records at a time.",
)  # fmt: skip
WRONG_PARAMETER = Message(
    8107, "invalid", "A query parameter cannot be used", "Correct the parameter or leave it out.",
)  # fmt: skip
FOREIGN_ORIGIN = Message(
    8108, "security", "The request comes from a foreign web page",
    "Send records from a program, or from the gateway's own pages.",
)  # fmt: skip
WRONG_HOST = Message(
    8109, "invalid", "The Host header names another server",
    "Use the address that the gateway listens on, or add the name to trusted_hosts.",
)  # fmt: skip
BAD_REQUEST = Message(
    8110, "invalid", "The request cannot be read", "Send a complete HTTP request.",
)  # fmt: skip
INTERNAL = Message(
    8111, "exception", "The gateway failed",
    "Try again; if it happens again, look for the answer's X-Request-Id in the gateway's log.",
)  # fmt: skip
DISPATCHER_DOWN = Message(
    8112, "transient", "Records are stored but not sent",
    "Look at the gateway's log, then start it anew; what was accepted is safe.",
)  # fmt: skip
UNKNOWN_SUBMISSION = Message(
    8113, "not-found", "No such submission", "Use the URL that the submission was answered with.",
)  # fmt: skip
REMOTE_ADDRESS = Message(
    8114, "security", "The gateway would be open to others",
    "Give everybody an access with 'fhir-backpain access add', put a proxy with TLS in front, and "
    "name its address with --public-url https://...; or listen on 127.0.0.1.",
)  # fmt: skip
ADDRESS_IN_USE = Message(
    8115, "conflict", "The gateway cannot listen there", "Choose another address or port.",
)  # fmt: skip
MORE_PROBLEMS = Message(
    8116, "informational", "There are more problems", "Correct these and send the records again.",
    "information",
)  # fmt: skip
NOT_SIGNED_IN = Message(
    8118, "login", "Nobody is known to ask",
    "Send a token as 'Authorization: Bearer ...', or sign in at /sign-in. An administrator makes "
    "both with 'fhir-backpain access'.",
)  # fmt: skip
NOT_ALLOWED = Message(
    8119, "forbidden", "The access does not reach that far",
    "Ask an administrator for a role that gives it.",
)  # fmt: skip
FORGED_FORM = Message(
    8120, "security", "The form does not belong to the session",
    "Load the page anew and send its form again.",
)  # fmt: skip
WRONG_SETTING = Message(
    8117, "value", "A setting of the gateway is out of range", "Correct the setting.",
)  # fmt: skip
WRONG_KEY = Message(
    8121, "invalid", "The Idempotency-Key cannot be used",
    "Send 1 to 255 visible ASCII characters, another key for each request.",
)  # fmt: skip
KEY_REUSED = Message(
    8122, "processing", "The Idempotency-Key belongs to another request",
    "Send a request that says something else with a key of its own.",
)  # fmt: skip
KEY_BUSY = Message(
    8123, "conflict", "A request with this Idempotency-Key is being answered",
    "Wait a moment and send it again.",
)  # fmt: skip
NO_MAPPING = Message(
    8124, "required", "A table comes without its mapping",
    "Name a feed mapping with ?mapping=NAME, or send one along as the part 'mapping'.",
)  # fmt: skip
UNKNOWN_MAPPING = Message(
    8125, "not-found", "No such mapping", "GET /api/v1/mappings lists them.",
)  # fmt: skip
NO_TABLE = Message(
    8126, "required", "The form holds no table", "Send the table as the part 'table'.",
)  # fmt: skip
UNKNOWN_SERVER = Message(
    8127, "not-found", "No such server", "GET /api/v1/servers lists them.",
)  # fmt: skip
UNKNOWN_PATIENT = Message(
    8128, "not-found", "No such patient", "Give system and value as the records have them.",
)  # fmt: skip
NO_RESOURCE = Message(
    8129, "structure", "The body is no FHIR resource",
    "Send a resource as JSON, or Parameters that hold it under the name that the operation gives.",
)  # fmt: skip
WRONG_TYPE = Message(
    8130, "invalid", "The resource is of another type",
    "Send it to the path of its own type.",
)  # fmt: skip
WRONG_SOURCE = Message(
    8131, "invariant", "The mapping does not read this", "Send one record of the named type.",
)  # fmt: skip
UNKNOWN_RESOURCE = Message(
    8132, "not-found", "No such resource is held", "Search for it: what was sent can be read.",
)  # fmt: skip
UNKNOWN_TYPE = Message(
    8133, "not-supported", "No resource of this type is ever made",
    "Use a type that /fhir/metadata lists.",
)  # fmt: skip
GONE_RESOURCE = Message(
    8134, "deleted", "The resource was taken back", "Its record no longer makes it.",
)  # fmt: skip
TABLE_ENCODING = Message(
    8135, "value", "The table and its encoding do not fit",
    "Give the encoding of the file, such as utf-8 or cp1252, in the mapping's table.",
)  # fmt: skip
UNWRITTEN = Message(
    8136, "incomplete", "The mapping is not finished", "Write what the line asks for.",
)  # fmt: skip
TOO_COMPLEX = Message(
    8137, "too-costly", "The mapping is too complex to be compiled", "Make its parts shorter.",
)  # fmt: skip
