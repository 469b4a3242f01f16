"""What a request must be like before its body is looked at."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request

from fhir_backpain.fhir.json_text import FHIR_JSON
from fhir_backpain.gateway.messages import (
    FOREIGN_ORIGIN,
    NOT_ACCEPTABLE,
    WRONG_HOST,
    WRONG_MEDIA,
    WRONG_PARAMETER,
)
from fhir_backpain.gateway.problem import ProblemError
from fhir_backpain.gateway.services import services

JSON = "application/json"
NDJSON = ("application/x-ndjson", "application/ndjson")
CSV = "text/csv"
MULTIPART = "multipart/form-data"
YAML = "application/yaml"
_FORMATS = ("json", JSON, FHIR_JSON)


def ensure_addressed() -> None:
    """Refuse requests that a web page of another site could have made a browser send.

    A foreign Host header is what DNS rebinding looks like, a foreign Origin a forged request.
    """
    if not services().settings.trusts(request.host):
        raise ProblemError(WRONG_HOST.issue("The request is addressed to another host."))
    if request.method in ("GET", "HEAD"):
        return
    origin = request.headers.get("Origin")
    same = origin is None or urlsplit(origin).netloc.lower() == request.host.lower()
    if not same or request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        raise ProblemError(
            FOREIGN_ORIGIN.issue("The request was made by a page of another origin.")
        )


def is_page() -> bool:
    """True where a browser asks for a page rather than a program for data."""
    named = any(kind == "text/html" for kind, _ in request.accept_mimetypes)
    return named and request.method == "GET"


def ensure_accepts(*offers: str) -> None:
    """Raise ProblemError 406 where the client takes none of the media types."""
    if request.accept_mimetypes and request.accept_mimetypes.best_match(offers) is None:
        text = f"The answer is {' or '.join(offers)}."
        raise ProblemError(NOT_ACCEPTABLE.issue(text), status=406)


def ensure_format() -> None:
    """Raise ProblemError 406 unless ``_format``, or else the Accept header, asks for JSON.

    FHIR: http://hl7.org/fhir/R4/http.html#mime-type
    """
    wished = request.args.get("_format")
    if wished is None:
        ensure_accepts(FHIR_JSON, JSON)
    elif wished.replace(" ", "+").partition(";")[0] not in _FORMATS:
        raise ProblemError(NOT_ACCEPTABLE.issue("The _format is not JSON."), status=406)


def body_type(*kinds: str) -> str:
    """Return the media type of the body; ProblemError 415 unless it is one of `kinds`.

    Text is in UTF-8 and nothing is compressed; of a table only its mapping knows the encoding.
    """
    kind = request.mimetype
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    is_readable = charset in ("utf-8", "utf8") or kind == CSV
    if kind not in kinds or encoding != "identity" or not is_readable:
        text = "The body has a media type, an encoding or a character set that is not read here."
        headers = {"Accept-Post": ", ".join(kinds)}
        raise ProblemError(WRONG_MEDIA.issue(text), status=415, headers=headers)
    return kind


def ensure_parameters(*names: str, repeated: tuple[str, ...] = ()) -> None:
    """Raise ProblemError 400 for a query parameter that is not known or given twice.

    Those that are `repeated` may be given more than once.
    """
    for name, values in request.args.lists():
        if name not in (*names, *repeated):
            known = ", ".join((*names, *repeated))
            told = f"known are: {known}" if known else "none is known"
            raise wrong_parameter(f"A query parameter is not known here; {told}.")
        if len(values) > 1 and name not in repeated:
            raise wrong_parameter(f"{name} is given more than once.")


def flag(name: str) -> bool:
    """Return a query parameter that is true or false; false where it is not given."""
    value = request.args.get(name, "false")
    if value not in ("true", "false"):
        raise wrong_parameter(f"{name} is neither true nor false.")
    return value == "true"


def whole_number(name: str, default: int, most: int) -> int:
    """Return a query parameter that is a number from 1 to `most`."""
    value = request.args.get(name, str(default))
    if not (value.isascii() and value.isdecimal() and len(value) < 8 and 1 <= int(value) <= most):
        raise wrong_parameter(f"{name} is not a number from 1 to {most}.")
    return int(value)


def wrong_parameter(text: str) -> ProblemError:
    """Return the ProblemError 400 of a query parameter; `text` must not repeat its value."""
    return ProblemError(WRONG_PARAMETER.issue(text))
