"""Requests with an Idempotency-Key: done once, and answered the same however often they come.

The header of https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ . Only
answers of success are kept; where a request failed nothing was stored, and it may come again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any

from flask import Response, request

from fhir_backpain.errors import OutboxError
from fhir_backpain.gateway.answer import text_answer
from fhir_backpain.gateway.description import Parameter
from fhir_backpain.gateway.gate import principal
from fhir_backpain.gateway.guard import JSON, MULTIPART
from fhir_backpain.gateway.kept_answers import KeptAnswer, KeptAnswers
from fhir_backpain.gateway.messages import KEY_BUSY, KEY_REUSED, WRONG_KEY
from fhir_backpain.gateway.problem import ProblemError, store_problem
from fhir_backpain.gateway.services import services

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEY_PARAMETER = Parameter(
    HEADER,
    "A key of the request, made by the client: sent again with the same key within 24 hours, the "
    "same request gets the same answer, and another one 422.",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    where="header",
)

_KEY = re.compile(r"[!-~]{1,255}")

View = Callable[..., Response]


def idempotent(view: View) -> View:
    """Let a view be asked with an Idempotency-Key; without one it is as it was."""

    @wraps(view)
    def answered(*args: Any, **kwargs: Any) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return view(*args, **kwargs)
        if not _KEY.fullmatch(key):
            raise ProblemError(WRONG_KEY.issue("The Idempotency-Key is no key."), status=400)
        try:
            return _once(key, lambda: view(*args, **kwargs))
        except OutboxError as error:
            raise store_problem(error, writing=True) from error

    return answered


def _once(key: str, view: Callable[[], Response]) -> Response:
    shared = services()
    kept = KeptAnswers(shared.database, shared.now)
    answer_id = _digest(principal().name, request.method, request.path, key)
    standing = kept.claim(answer_id, _request_digest())
    if isinstance(standing, KeptAnswer):
        headers = {REPLAYED: "true"}
        if standing.location is not None:
            headers["Location"] = standing.location
        return text_answer(standing.content, standing.status, headers)
    if standing == "another request":
        raise ProblemError(KEY_REUSED.issue("The key came with another request before."))
    if standing == "busy":
        raise ProblemError(KEY_BUSY.issue("The request is being answered."), status=409)
    try:
        response = view()
        location = response.headers.get("Location")
        kept.keep(answer_id, KeptAnswer(response.status_code, location, response.get_data(True)))
    except BaseException:
        kept.forget(answer_id)
        raise
    return response


def _request_digest() -> str:
    """Return a hash of all that a request says; the boundaries of its parts say nothing."""
    if request.mimetype != MULTIPART:
        body = request.get_data(cache=True)
        return _digest(request.query_string, request.mimetype or JSON, body)
    said: list[str | bytes] = [request.query_string, MULTIPART]
    for name, text in sorted(request.form.items(multi=True)):
        said += ["field", name, text]
    for name, file in sorted(request.files.items(multi=True), key=lambda item: item[0]):
        said += ["file", name, file.stream.read()]
        file.stream.seek(0)
    return _digest(*said)


def _digest(*parts: str | bytes) -> str:
    found = sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        found.update(len(data).to_bytes(8, "big") + data)
    return found.hexdigest()
