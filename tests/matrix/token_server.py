"""A token server of SMART Backend Services: it checks assertions as the specification says."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

Key = RSAKey | ECKey
LONGEST = 300


class TokenServer:
    """Gives numbered tokens to `client_id`; `on_token` learns of each, as the FHIR server must.

    `keys` are the public keys by kid, `statuses` the answers to give first instead of a token.
    """

    def __init__(self, client_id: str, keys: dict[str, Key], on_token: Any = None) -> None:
        self.client_id = client_id
        self.keys = keys
        self.statuses: list[int] = []
        self.given: list[str] = []
        self.asked = 0
        self.seen: list[str] = []
        self._on_token = on_token or (lambda token: None)
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        """The token endpoint."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/token"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, body: str) -> tuple[int, dict[str, Any]]:
        """Answer one request for a token."""
        with self._lock:
            self.asked += 1
            if self.statuses:
                return self.statuses.pop(0), {"error": "temporarily_unavailable"}
            fault = self._fault({name: values[0] for name, values in parse_qs(body).items()})
            if fault is not None:
                return 400, {"error": "invalid_client", "error_description": fault}
            token = f"token-{len(self.given) + 1}"
            self.given.append(token)
            self._on_token(token)
            told = {"token_type": "bearer", "expires_in": 300, "scope": "system/*.cruds"}
            return 200, {"access_token": token, **told}

    def _fault(self, form: dict[str, str]) -> str | None:
        """Return what is wrong with a request.

        SMART: http://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html
        """
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        if form.get("grant_type") != "client_credentials" or not form.get("scope"):
            return "grant_type or scope"
        if form.get("client_assertion_type") != kind:
            return "client_assertion_type"
        for kid, key in self.keys.items():
            try:
                read = jwt.decode(form["client_assertion"], key, algorithms=["RS384", "ES384"])
            except (JoseError, ValueError):
                continue
            return self._claims_fault(read.header, read.claims, kid)
        return "signature"

    def _claims_fault(self, header: dict[str, Any], claims: dict[str, Any], kid: str) -> str | None:
        if header.get("typ") != "JWT" or header.get("kid") != kid:
            return "header"
        if {claims.get("iss"), claims.get("sub")} != {self.client_id}:
            return "iss or sub"
        if claims.get("aud") != self.url:
            return "aud"
        if not time.time() < claims.get("exp", 0) <= time.time() + LONGEST:
            return "exp"
        if not claims.get("jti") or claims["jti"] in self.seen:
            return "jti"
        self.seen.append(claims["jti"])
        return None


def _handler(server: TokenServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, answer = server.answer(body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    return Handler
