"""A token server of SMART Backend Services: it checks assertions as the specification says."""

from __future__ import annotations

import json
import threading
import time
from typing import Any
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from tests.http_server import Answer, HttpServer, Request

Key = RSAKey | ECKey
LONGEST = 300


class TokenServer(HttpServer):
    """Gives numbered tokens to `client_id`; `on_token` learns of each, as the FHIR server must.

    `keys` are the public keys by kid, `statuses` the answers to give first instead of a token.
    """

    def __init__(self, client_id: str, keys: dict[str, Key], on_token: Any = None) -> None:
        super().__init__()
        self.client_id = client_id
        self.keys = keys
        self.statuses: list[int] = []
        self.given: list[str] = []
        self.asked = 0
        self.seen: list[str] = []
        self._on_token = on_token or (lambda token: None)
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The token endpoint."""
        return f"{self.root}/token"

    def respond(self, request: Request) -> Answer:
        """Answer one request for a token."""
        status, answer = self._answer(request.body.decode())
        content = json.dumps(answer).encode()
        return Answer(status, {"Content-Type": "application/json"}, content)

    def _answer(self, body: str) -> tuple[int, dict[str, Any]]:
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
