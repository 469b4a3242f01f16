"""Every kind of problem that access reports, numbered 8150 to 8169."""

from __future__ import annotations

from fhir_backpain.outcome import Message

WRONG_NAME = Message(
    8151, "value", "Not a name of a principal",
    "Use 1 to 64 letters, digits, dots, hyphens and underscores, beginning with a letter.",
)  # fmt: skip
NAME_TAKEN = Message(
    8152, "duplicate", "The name is in use",
    "Choose another, or take the access of this one away first.",
)  # fmt: skip
UNKNOWN_PRINCIPAL = Message(
    8153, "not-found", "Nobody has this name", "List them with 'fhir-backpain access list'.",
)  # fmt: skip
WEAK_PASSWORD = Message(
    8154, "value", "The password cannot be used", "Choose one of 12 to 256 characters.",
)  # fmt: skip
OIDC_SETTING = Message(
    8155, "value", "A setting of the identity provider cannot be used",
    "Give issuer (https), client_id, and roles with at least one group.",
)  # fmt: skip
OIDC_NO_JOSE = Message(
    8156, "not-supported", "Signing in with a provider needs another package",
    "Install it: pip install 'fhir-backpain[oidc]'.",
)  # fmt: skip
OIDC_UNREACHABLE = Message(
    8157, "transient", "The identity provider cannot be asked",
    "Try again in a minute; if it happens again, let the issuer's configuration be looked at.",
)  # fmt: skip
OIDC_REFUSED = Message(
    8158, "login", "The identity provider let nobody in", "Sign in there once more.",
)  # fmt: skip
OIDC_FORGED = Message(
    8159, "security", "The answer of the identity provider is not proven",
    "Begin anew on the page /sign-in of this gateway.",
)  # fmt: skip
OIDC_NO_ROLE = Message(
    8160, "forbidden", "The identity provider gives no role here",
    "Ask an administrator for a group that has one.",
)  # fmt: skip
