"""JSON from a server that does not speak FHIR: a token endpoint, a configuration."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import requests
from requests.cookies import RequestsCookieJar
from urllib3.exceptions import HTTPError

from fhir_backpain.client.deadline import Deadline
from fhir_backpain.client.failure import classify_exception
from fhir_backpain.client.messages import NO_TOKEN
from fhir_backpain.client.operation_outcome import clean
from fhir_backpain.client.retry_after import parse_retry_after_now
from fhir_backpain.client.transport import make_session
from fhir_backpain.errors import PermanentRemoteError, RemoteError, TransientRemoteError
from fhir_backpain.web.body import CHUNK, BodyTooLargeError, BodyUnreadableError, read_body

_MAX_BYTES = 256 * 1024


class PlainExchange:
    """Asks with a deadline in seconds; redirects are never followed, cookies never kept."""

    def __init__(
        self,
        *,
        deadline: float = 30.0,
        ca_bundle: str | None = None,
        session: requests.Session | None = None,
    ) -> None:
        self._deadline = deadline
        self._session = session or make_session(
            trust_env=False, ca_bundle=ca_bundle, client_certificate=None
        )

    def get(self, url: str) -> dict[str, Any]:
        """Return the JSON object at a URL; RemoteError where it is not to be had."""
        return self._ask("GET", url, None)

    def post_form(self, url: str, form: dict[str, str]) -> dict[str, Any]:
        """Send a form and return the JSON object of the answer; RemoteError where none comes."""
        return self._ask("POST", url, form)

    def _ask(self, method: str, url: str, form: dict[str, str] | None) -> dict[str, Any]:
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
        with Deadline(self._deadline) as deadline:
            try:
                request = requests.Request(
                    method, url, data=form, headers=headers, cookies=RequestsCookieJar()
                )
                self._session.cookies.clear()
                with self._session.send(
                    self._session.prepare_request(request),
                    timeout=deadline.left(),
                    allow_redirects=False,
                    stream=True,
                ) as answer:
                    content = read_body(
                        partial(answer.raw.read, CHUNK, decode_content=False),
                        answer.headers.get("Content-Encoding"),
                        _MAX_BYTES,
                    )
            except (requests.RequestException, HTTPError, OSError) as error:
                # Asking for a token twice does no harm: it is as good as a read.
                _, message = classify_exception(error, reads_only=True)
                text = f"{message.title} ({type(error).__name__})."
                raise TransientRemoteError(message.issue(text)) from error
            except (BodyTooLargeError, BodyUnreadableError) as error:
                raise TransientRemoteError(NO_TOKEN.issue("The answer is unreadable.")) from error
        if answer.status_code != requests.codes.ok:
            raise _refusal(answer, content)
        return _object(content)


def _object(content: bytes) -> dict[str, Any]:
    try:
        data = json.loads(content)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise TransientRemoteError(NO_TOKEN.issue("The answer is no JSON object."))
    return data


def _refusal(answer: requests.Response, content: bytes) -> RemoteError:
    status = answer.status_code
    try:
        told = json.loads(content).get("error")  # OAuth: a word such as invalid_client
    except (ValueError, AttributeError):
        told = None
    word = f": {clean(told)}" if isinstance(told, str) else ""
    issue = NO_TOKEN.issue(f"The token server answered {status}{word}.")
    if status >= 500 or status in (408, 425, 429):
        after = parse_retry_after_now(answer.headers.get("Retry-After"))
        return TransientRemoteError(issue, status=status, retry_after=after)
    return PermanentRemoteError(issue, status=401)
