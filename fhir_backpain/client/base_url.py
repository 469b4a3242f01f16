"""The base URL of a FHIR server: checked before anything is sent to it."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from fhir_backpain.client.messages import INVALID_BASE_URL
from fhir_backpain.errors import SettingsError

_PORTS = {"http": 80, "https": 443}


def parse_base_url(text: str) -> str:
    """Return the base URL without a slash at its end.

    Raises SettingsError for another scheme than http and https, for a user name or password, a
    query or fragment, for a missing host, a wrong port, spaces or control characters.
    >>> parse_base_url("https://fhir.example.org/r4/")
    'https://fhir.example.org/r4'
    """
    if not text.isascii() or any(ord(letter) <= 32 or letter in '\\"<>^`{|}' for letter in text):
        raise _invalid("it holds a space or a character that a URL cannot have")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _invalid("it cannot be read") from error
    if parts.scheme not in _PORTS:
        raise _invalid("its scheme is neither http nor https")
    if not parts.hostname or port == 0:
        raise _invalid("it has no host or a wrong port")
    if "@" in parts.netloc:
        raise _invalid("it holds a user name")
    if "?" in text or "#" in text:
        raise _invalid("it has a query or fragment")
    if any(part in (".", "..") for part in parts.path.split("/")):
        raise _invalid("its path goes up")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of an http or https URL; ValueError where it is none."""
    parts: SplitResult = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        raise ValueError("not an http or https URL")
    return parts.scheme, parts.hostname.lower().rstrip("."), parts.port or _PORTS[parts.scheme]


def _invalid(why: str) -> SettingsError:
    # The text is not quoted: it may hold a password.
    return SettingsError(INVALID_BASE_URL.issue(f"The base URL cannot be used: {why}."))
