"""One HTTP exchange with a FHIR server: sent, bounded, read, judged."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import requests
from requests.cookies import RequestsCookieJar
from urllib3.exceptions import HTTPError

from fhir_backpain import __version__
from fhir_backpain.client.credentials import Credentials
from fhir_backpain.client.deadline import Deadline, DeadlineAdapter
from fhir_backpain.client.failure import (
    ERRORS,
    Kind,
    classify_exception,
    classify_status,
    message_of_status,
)
from fhir_backpain.client.messages import TOO_LARGE_ANSWER, TOO_SLOW, UNREADABLE_ANSWER
from fhir_backpain.client.operation_outcome import clean, read_issues
from fhir_backpain.client.reply import Reply
from fhir_backpain.client.retry_after import parse_retry_after
from fhir_backpain.errors import RemoteError, SourceError
from fhir_backpain.fhir.json_text import FHIR_JSON, JsonLimits, parse
from fhir_backpain.outcome import Issue, Message, SourceLocation
from fhir_backpain.web.body import CHUNK, BodyTooLargeError, BodyUnreadableError, read_body

# The body has been measured already, and what a server can keep it may send.
_ANY_SIZE = JsonLimits(max_bytes=sys.maxsize, every_number=True)
_JSON = (FHIR_JSON, "application/json", "application/json+fhir", "text/json")


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds between two bytes, seconds for a whole request, bytes of an unpacked answer."""

    timeout: float = 30.0
    deadline: float = 60.0
    max_bytes: int = 64 * 1024 * 1024


def make_session(
    *,
    trust_env: bool,
    ca_bundle: str | None,
    client_certificate: str | tuple[str, str] | None,
) -> requests.Session:
    """Return a session whose requests obey deadlines; certificates are always checked."""
    session = requests.Session()
    session.trust_env = trust_env
    session.verify = ca_bundle or True
    session.cert = client_certificate
    for scheme in ("http://", "https://"):
        session.mount(scheme, DeadlineAdapter(pool_maxsize=16))
    return session


class Transport:
    """Sends requests over a session; redirects are never followed, cookies never kept."""

    def __init__(
        self, session: requests.Session, limits: Limits, credentials: Credentials | None
    ) -> None:
        self._session = session
        self._limits = limits
        self._credentials = credentials

    def exchange(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        reads_only: bool,
    ) -> Reply:
        """Return the reply of a 2xx answer; RemoteError of the fitting kind otherwise."""
        secret = self._credentials.headers() if self._credentials else {}
        wanted = {**_standard_headers(), **(headers or {})}
        try:
            return self._once(method, url, body, {**wanted, **secret}, reads_only)
        except RemoteError as error:
            refused = error.status == 401 and self._credentials is not None
            if not (refused and self._credentials and self._credentials.renew(secret)):
                raise
        secret = self._credentials.headers()
        return self._once(method, url, body, {**wanted, **secret}, reads_only)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _once(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], safe: bool
    ) -> Reply:
        with Deadline(self._limits.deadline) as deadline:
            try:
                timeout = min(self._limits.timeout, deadline.left())
                request = requests.Request(
                    method, url, data=body, headers=dict(headers), cookies=RequestsCookieJar()
                )
                self._session.cookies.clear()
                prepared = self._session.prepare_request(request)
                settings = self._session.merge_environment_settings(url, {}, True, None, None)
                settings["stream"] = True
                with self._session.send(
                    prepared, timeout=timeout, allow_redirects=False, **settings
                ) as answer:
                    content = read_body(
                        partial(answer.raw.read, CHUNK, decode_content=False),
                        answer.headers.get("Content-Encoding"),
                        self._limits.max_bytes,
                    )
                    if deadline.passed:  # what came of it may look whole
                        raise requests.exceptions.ReadTimeout
                    return _judge(answer.status_code, answer.headers, content, safe)
            except (requests.RequestException, HTTPError, OSError) as error:
                kind, message = classify_exception(error, reads_only=safe)
                if deadline.passed and kind != "transient":
                    message = TOO_SLOW
                raise _error(kind, _transport_issue(message, error, deadline)) from error
            except BodyTooLargeError as error:
                text = f"The answer is larger than {self._limits.max_bytes} bytes."
                raise _unusable(TOO_LARGE_ANSWER.issue(text), answer.status_code, safe) from error
            except BodyUnreadableError as error:
                issue = UNREADABLE_ANSWER.issue(f"The answer cannot be unpacked: {error}.")
                raise _unusable(issue, answer.status_code, safe) from error


def _standard_headers() -> dict[str, str]:
    return {
        "Accept": FHIR_JSON,
        "Accept-Encoding": "gzip",
        "User-Agent": f"fhir-backpain/{__version__}",
    }


def _judge(status: int, headers: Mapping[str, str], content: bytes, safe: bool) -> Reply:
    retry_after = parse_retry_after(headers.get("Retry-After"), datetime.now(UTC))
    resource, fault = _read_resource(headers.get("Content-Type"), content)
    kind = classify_status(status, reads_only=safe)
    if kind != "ok":
        raise _refusal(kind, status, resource, retry_after, headers)
    # A server of FHIR may answer a write with no body at all, but not with another one.
    if fault is not None:
        issue = UNREADABLE_ANSWER.issue(f"The server answered {status}, but {fault}.")
        raise _unusable(issue, status, safe)
    return Reply(status, headers, resource, retry_after)


def _read_resource(
    content_type: str | None, content: bytes
) -> tuple[dict[str, Any] | None, str | None]:
    """Return the resource of a body and what is wrong with the body."""
    if not content:
        return None, None
    media = (content_type or "").split(";")[0].strip().lower()
    if media not in _JSON:
        return None, f"its content type is {clean(media) or 'missing'}"
    try:
        resource = parse(content, _ANY_SIZE)
    except SourceError as error:
        return None, _json_fault(error.issues[0])
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        return None, "the body is no FHIR resource"
    return resource, None


def _json_fault(issue: Issue) -> str:
    place = issue.source or SourceLocation()
    where = f"line {place.line}, column {place.column}"
    return f"the body is not strict JSON at {where}: {issue.text.rstrip('.')}"


def _refusal(
    kind: Kind,
    status: int,
    resource: dict[str, Any] | None,
    retry_after: float | None,
    headers: Mapping[str, str],
) -> RemoteError:
    message = message_of_status(status)
    issues = read_issues(resource, message, status)
    if not issues:
        where = headers.get("Location")
        text = f"The server answered {status}"
        text += f" with another address: {clean(where)}." if 300 <= status < 400 and where else "."
        issues = [message.issue(text)]
    return ERRORS[kind](issues, status=status, retry_after=retry_after)


def _error(kind: Kind, issue: Issue) -> RemoteError:
    return ERRORS[kind](issue)


def _unusable(issue: Issue, status: int, safe: bool) -> RemoteError:
    """Judge an answer that nobody can read: a success may have been meant."""
    kind = classify_status(status, reads_only=safe)
    if kind == "ok":
        kind = "transient" if safe else "ambiguous"
    return ERRORS[kind](issue, status=status)


def _transport_issue(message: Message, error: BaseException, deadline: Deadline) -> Issue:
    if deadline.passed:
        return message.issue("The request was ended at its deadline.")
    return message.issue(f"{message.title} ({type(error).__name__}).")
