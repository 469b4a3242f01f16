"""Between HTTP messages and interactions: headers, media types, gzip.

FHIR: http://hl7.org/fhir/R4/http.html#general
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from email.utils import format_datetime
from typing import Any, cast

from flask import Request, Response

from fhir_backpain.errors import SourceError
from fhir_backpain.fhir.json_text import FHIR_JSON, LIMITS, JsonLimits, parse
from fhir_backpain.fhir.operation_outcome import outcome_text
from fhir_backpain.sandbox.exchange import (
    EXTRA_HEADERS,
    QUIRKS,
    Answer,
    Interaction,
    Parameters,
    Quirks,
    Returning,
)
from fhir_backpain.sandbox.interaction_error import InteractionError
from fhir_backpain.sandbox.messages import (
    INVALID_REQUEST,
    TOO_LARGE,
    UNSUPPORTED_MEDIA,
    WRONG_BODY,
)
from fhir_backpain.sandbox.parameters import parse_query
from fhir_backpain.sandbox.store import Version, from_instant
from fhir_backpain.web.body import (
    CHUNK,
    BodyTooLargeError,
    BodyUnreadableError,
    UnknownEncodingError,
    read_body,
)

MAX_BODY = 32 * 1024 * 1024
_FHIR_LIMITS = JsonLimits(max_bytes=MAX_BODY, every_number=True)
_JSON_TYPES = (FHIR_JSON, "application/json")
_FORM = "application/x-www-form-urlencoded"
_ACCEPTED = (*_JSON_TYPES, "*/*", "application/*", "text/html")
_FORMATS = (*_JSON_TYPES, "json", "text/json")
_COMPRESS_FROM = 1024
_REQUEST_ID = re.compile(r"[A-Za-z0-9\-._]{1,128}")


def read_path(request: Request) -> tuple[str, ...]:
    """Return the parts of the path below ``/fhir``."""
    return tuple(part for part in request.path.removeprefix("/fhir").split("/") if part)


def read_interaction(request: Request, base: str, check_references: bool) -> Interaction:
    """Return the interaction that an HTTP request below ``/fhir`` asks for."""
    path = read_path(request)
    parameters = parse_query("?" + request.query_string.decode("latin-1"))
    body, form = _read_body(request, path)
    parameters += form
    _check_accept(request, parameters)
    preferences = _preferences(request.headers.getlist("Prefer"))
    returning = preferences.get("return")
    known = returning in ("minimal", "representation", "OperationOutcome")
    return Interaction(
        method=request.method,
        path=path,
        base=base,
        parameters=parameters,
        body=body,
        if_match=request.headers.get("If-Match"),
        if_none_match=request.headers.get("If-None-Match"),
        if_none_exist=request.headers.get("If-None-Exist"),
        returning=cast(Returning, returning) if known else None,
        strict=preferences.get("handling") == "strict",
        check_references=check_references,
        quirks=request.environ.get(QUIRKS, Quirks()),
    )


def write_response(request: Request, answer: Answer, base: str) -> Response:
    """Return the HTTP response of an answer, compressed where the client takes gzip."""
    response = Response(answer.content or "", answer.status)
    response.headers["Content-Type"] = f"{FHIR_JSON}; charset=utf-8"
    if answer.content is None:
        del response.headers["Content-Type"]
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-cache"
    response.headers.update(answer.headers)
    if answer.version is not None:
        response.headers.update(_version_headers(answer, answer.version, base))
    request_id = request.headers.get("X-Request-Id", "")
    if _REQUEST_ID.fullmatch(request_id):
        response.headers["X-Request-Id"] = request_id
    for name, value in request.environ.get(EXTRA_HEADERS, ()):
        response.headers[name] = value
    _compress(request, response)
    return response


def read_json(raw: bytes, limits: JsonLimits = LIMITS) -> Any:
    """Return the data of strict JSON; InteractionError 400 or 413 says what is wrong and where."""
    try:
        return parse(raw, limits)
    except SourceError as error:
        status = 413 if error.issues[0].code == "too-long" else 400
        raise InteractionError(status, error.issues) from None


def error_answer(error: InteractionError) -> Answer:
    """Return the answer that tells of a refused interaction."""
    return Answer(error.status, outcome_text(error.issues), headers=error.headers)


def _version_headers(answer: Answer, version: Version, base: str) -> Mapping[str, str]:
    moment = from_instant(version.instant).replace(microsecond=0)
    headers = {"ETag": version.etag, "Last-Modified": format_datetime(moment, usegmt=True)}
    if answer.wrote and not version.deleted:
        headers["Location"] = f"{base}/{version.location}"
    return headers


def _read_body(request: Request, path: tuple[str, ...]) -> tuple[dict[str, Any] | None, Parameters]:
    if request.method not in ("POST", "PUT"):
        return None, ()
    raw = _whole(request)
    if path[-1:] == ("_search",):
        return None, _read_form(request, raw)
    if request.mimetype not in _JSON_TYPES:
        raise _unsupported(415, "The body is not application/fhir+json.")
    charset = request.mimetype_params.get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8"):
        raise _unsupported(415, "The body is not UTF-8.")
    resource = read_json(raw, _FHIR_LIMITS)
    if not isinstance(resource, dict):
        raise InteractionError.of(400, WRONG_BODY, "The body is not a JSON object.")
    return resource, ()


def _read_form(request: Request, raw: bytes) -> Parameters:
    if raw and request.mimetype != _FORM:
        raise _unsupported(415, f"A search by POST takes {_FORM}.")
    return parse_query("?" + raw.decode("latin-1"))


def _whole(request: Request) -> bytes:
    """Return the whole body, unpacked."""
    encoding = request.headers.get("Content-Encoding")
    try:
        return read_body(lambda: request.stream.read(CHUNK), encoding, MAX_BODY)
    except UnknownEncodingError:
        raise _unsupported(415, "The Content-Encoding is not gzip.") from None
    except BodyTooLargeError:
        text = f"The body has more than {MAX_BODY} bytes."
        raise InteractionError.of(413, TOO_LARGE, text) from None
    except BodyUnreadableError as error:
        text = f"The body cannot be unpacked: {error}."
        raise InteractionError.of(400, INVALID_REQUEST, text) from None


def _check_accept(request: Request, parameters: Parameters) -> None:
    formats = [value for name, value in parameters if name == "_format"]
    if formats:  # _format overrides Accept
        wanted = formats[-1].partition(";")[0].strip()
        if wanted not in _FORMATS and wanted.replace(" ", "+") not in _FORMATS:
            raise _unsupported(406, "The _format is not JSON.")
        return
    accepted = [mimetype.partition(";")[0] for mimetype in request.accept_mimetypes.values()]
    if accepted and not any(mimetype in _ACCEPTED for mimetype in accepted):
        raise _unsupported(406, "The Accept header does not allow application/fhir+json.")


def _preferences(headers: list[str]) -> dict[str, str]:
    found = {}
    for part in ",".join(headers).replace(";", ",").split(","):
        name, _, value = part.partition("=")
        found[name.strip()] = value.strip().strip('"')
    return found


def _compress(request: Request, response: Response) -> None:
    response.headers["Vary"] = "Accept-Encoding"
    body = response.get_data()
    if len(body) >= _COMPRESS_FROM and request.accept_encodings["gzip"] > 0:
        response.set_data(gzip.compress(body, compresslevel=1, mtime=0))
        response.headers["Content-Encoding"] = "gzip"


def _unsupported(status: int, text: str) -> InteractionError:
    return InteractionError.of(status, UNSUPPORTED_MEDIA, text)
