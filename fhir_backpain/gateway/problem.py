"""Every error answer of the gateway: one table of statuses, one place that writes them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from flask import Flask, Response, g
from werkzeug.exceptions import HTTPException

from fhir_backpain.errors import (
    BackpainError,
    MappingFailed,
    OutboxError,
    RemoteError,
    SourceError,
    ValidationFailed,
)
from fhir_backpain.fhir.json_text import FHIR_JSON
from fhir_backpain.fhir.operation_outcome import outcome_text
from fhir_backpain.gateway.messages import (
    BAD_REQUEST,
    INTERNAL,
    TOO_LARGE,
    UNKNOWN_PATH,
    WRONG_METHOD,
)
from fhir_backpain.outcome import CATALOGUE, Issue, IssueType, Message, Outcome
from fhir_backpain.telemetry.event import log

RETRY_AFTER = 5

STATUS: dict[IssueType, int] = {
    "invalid": 400, "structure": 400, "required": 422, "value": 422, "invariant": 422,
    "security": 403, "login": 401, "unknown": 401, "expired": 401, "forbidden": 403,
    "suppressed": 403, "processing": 422, "not-supported": 400, "duplicate": 409,
    "multiple-matches": 412, "not-found": 404, "deleted": 410, "too-long": 413,
    "code-invalid": 422, "extension": 422, "too-costly": 413, "business-rule": 422,
    "conflict": 409, "transient": 503, "lock-error": 503, "no-store": 507, "exception": 500,
    "timeout": 503, "incomplete": 503, "throttled": 429, "informational": 500,
}  # fmt: skip
"""The HTTP status of an error of each FHIR IssueType, unless a view knows better."""

_logger = logging.getLogger("fhir_backpain.gateway")

_HTTP: dict[int, tuple[Message, str]] = {
    404: (UNKNOWN_PATH, "The gateway has no such path."),
    405: (WRONG_METHOD, "The path is known, but not with this method."),
    413: (TOO_LARGE, "The body is larger than the gateway takes."),
}


class ProblemError(Exception):
    """Ends a request with an OperationOutcome; without `status` the table decides."""

    def __init__(
        self,
        issues: Issue | Iterable[Issue],
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.outcome = Outcome.of([issues] if isinstance(issues, Issue) else issues)
        self.status = status or status_of(self.outcome)
        self.headers = dict(headers or {})
        super().__init__(str(self.outcome))


def status_of(outcome: Outcome) -> int:
    """Return the status of the first error of an outcome."""
    first = next((issue for issue in outcome if issue.is_error), None)
    return STATUS[first.code] if first else 500


def register(app: Flask) -> None:
    """Let every exception of an application end here."""
    app.register_error_handler(Exception, answer)


def answer(error: Exception) -> Response:
    """Return the answer to a request that ended with an exception."""
    problem = _problem_of(error)
    response = Response(outcome_text(problem.outcome), problem.status, content_type=_CONTENT_TYPE)
    response.headers.update(problem.headers)
    if problem.status in (429, 503) and "Retry-After" not in response.headers:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


_CONTENT_TYPE = f"{FHIR_JSON}; charset=utf-8"


def _problem_of(error: Exception) -> ProblemError:
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, HTTPException):
        return _http_problem(error)
    if isinstance(error, OutboxError):
        return store_problem(error)
    if isinstance(error, SourceError):
        # What is no JSON is no record that could be wrong: 400, whatever its kind.
        return ProblemError(error.issues, status=413 if _is_too_long(error) else 400)
    if isinstance(error, MappingFailed | ValidationFailed):
        return ProblemError(error.issues, status=422)
    if isinstance(error, BackpainError) and not isinstance(error, RemoteError):
        return ProblemError(error.issues)
    return _internal_problem(error)


def store_problem(error: OutboxError, *, writing: bool = False) -> ProblemError:
    """Return the problem of a store: what kind it is, without paths and texts of the machine.

    Where it was `writing`, whatever kept it from that counts as missing storage, but for a lock.
    """
    issue = error.issues[0]
    status = STATUS[issue.code]
    if status >= 500:
        log(_logger, logging.ERROR, "outbox-failed", error, request=request_id())
    if writing and status == 500:
        status = 507
    text = CATALOGUE[issue.number].title + "."
    said = CATALOGUE[issue.number].issue(text) if status >= 500 else issue
    return ProblemError(said, status=status)


def request_id() -> str:
    """Return the id of the current request."""
    return str(g.get("request_id", "-"))


def _is_too_long(error: SourceError) -> bool:
    return any(issue.code == "too-long" for issue in error.issues)


def _http_problem(error: HTTPException) -> ProblemError:
    status = error.code or 500
    if status >= 500:
        return _internal_problem(error)
    message, text = _HTTP.get(status, (BAD_REQUEST, "The request cannot be read."))
    allowed = getattr(error, "valid_methods", None)
    headers = {"Allow": ", ".join(sorted(allowed))} if allowed else None
    return ProblemError(message.issue(text), status=status, headers=headers)


def _internal_problem(error: Exception) -> ProblemError:
    # Its text is not logged, nor are the variables of its frames: they could hold a value.
    log(_logger, logging.ERROR, "request-failed", error, request=request_id())
    return ProblemError(INTERNAL.issue("The gateway could not answer the request."), status=500)
