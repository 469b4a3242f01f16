"""Every kind of problem that the client reports, numbered 6001 to 6049."""

from __future__ import annotations

from fhir_backpain.outcome import Message

INVALID_BASE_URL = Message(
    6001, "value", "Not the base URL of a FHIR server",
    "Give an http or https URL such as https://fhir.example.org/r4, without name, password, "
    "query or fragment.",
)  # fmt: skip
PUBLIC_SERVER = Message(
    6002, "security", "Patients' data must not go to a public server",
    "Send records with test_data true only, or name a server of your own.",
)  # fmt: skip
UNREACHABLE = Message(
    6003, "transient", "The server cannot be reached",
    "Check the address, the network and whether the server runs; nothing was sent.",
)  # fmt: skip
UNTRUSTED = Message(
    6004, "security", "The server's certificate is not trusted",
    "Correct the certificate or name the authority that issued it; nothing was sent.",
)  # fmt: skip
BROKEN_OFF = Message(
    6005, "incomplete", "The connection broke off",
    "Nothing needs to be done: it is tried again, and what may have been written is read first.",
)  # fmt: skip
TOO_SLOW = Message(
    6006, "timeout", "The server did not answer in time",
    "Raise the deadline if the server is known to be slow.",
)  # fmt: skip
UNREADABLE_ANSWER = Message(
    6007, "structure", "The answer is not FHIR JSON",
    "Check that the base URL leads to a FHIR server and that no proxy answers in its place.",
)  # fmt: skip
TOO_LARGE_ANSWER = Message(
    6008, "too-long", "The answer is too large", "Ask for smaller pages or raise the limit.",
)  # fmt: skip
REFUSED = Message(
    6009, "processing", "The server refused the request",
    "Correct what the server names and send it again.",
)  # fmt: skip
NOT_AUTHORISED = Message(
    6010, "login", "The server does not accept the credentials",
    "Check the credentials and the rights that they give.",
)  # fmt: skip
THROTTLED = Message(
    6011, "throttled", "The server asks to wait",
    "Nothing needs to be done: it is tried again when the server allows.",
)  # fmt: skip
SERVER_FAILED = Message(
    6012, "exception", "The server failed", "See the server's log for the cause.",
)  # fmt: skip
VERSION_CONFLICT = Message(
    6013, "conflict", "The server holds another version",
    "Compare it with the record, then replay or discard the entry.",
)  # fmt: skip
REDIRECTED = Message(
    6014, "processing", "The server redirects elsewhere",
    "Use the address that the server names as base URL, if you trust it.",
)  # fmt: skip
INCOMPLETE = Message(
    6015, "incomplete", "The pages break off",
    "Do not use what was read as if it were all; start the search again.",
)  # fmt: skip
WRONG_STATEMENT = Message(
    6016, "structure", "The server has no usable CapabilityStatement",
    "Check that the base URL leads to a FHIR R4 server.",
)  # fmt: skip
NO_TOKEN = Message(
    6017, "login", "The token server gives no token",
    "Check the client id, its registered key and the scopes; what is queued waits.",
)  # fmt: skip
BAD_KEY = Message(
    6018, "security", "The key for signing cannot be used",
    "Give an RSA key, or an EC key on P-384, as PEM or JWK.",
)  # fmt: skip
NO_JOSE = Message(
    6019, "not-supported", "Signed assertions need one more package",
    "Install fhir-backpain with the extra 'smart'.",
)  # fmt: skip
TOKEN_NEEDS_TLS = Message(
    6020, "security", "The token server's URL cannot be used", "Give an https URL.",
)  # fmt: skip
