"""A small identity provider that signs real tokens, with keys made for the test.

`person` is whoever signs in next; `change` may alter the claims before they are signed, and
`sign_with` the key. It holds the gateway to PKCE, its redirect URI and its secret.
"""

from __future__ import annotations

import json
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from tests.http_server import Answer, HttpServer, Request

CLIENT, SECRET = "gateway", "s3cr3t-of-the-gateway"

Claims = dict[str, Any]


class IdentityProvider(HttpServer):
    """The provider within a ``with`` block; `root` is its issuer."""

    def __init__(self) -> None:
        super().__init__()
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.published = [self.key]
        self.person: Claims = {"sub": "u-1", "preferred_username": "ada", "groups": ["ward"]}
        self.change: Callable[[Claims], Claims] = lambda claims: claims
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one"}
        self.sign_with: Any = self.key
        self.configuration: dict[str, Any] = {}
        self.auth_methods = ["client_secret_basic", "client_secret_post"]
        self.asked: list[str] = []
        self.error: str | None = None
        self._codes: dict[str, dict[str, str]] = {}

    def respond(self, request: Request) -> Answer:
        path, _, query = request.target.partition("?")
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return _json(self._known() | self.configuration)
        if path == "/keys":
            return _json(KeySet(self.published).as_dict(private=False))
        if path == "/authorize":
            return self._authorize(dict(parse_qsl(query)))
        if path == "/token":
            return self._token(dict(parse_qsl(request.body.decode())), request.headers)
        return Answer(404)

    def signed(self, claims: Claims) -> str:
        """Return a token with these claims."""
        return jwt.encode(self.header, claims, self.sign_with, algorithms=[self.header["alg"]])

    def _known(self) -> dict[str, Any]:
        return {
            "issuer": self.root,
            "authorization_endpoint": f"{self.root}/authorize",
            "token_endpoint": f"{self.root}/token",
            "jwks_uri": f"{self.root}/keys",
            "token_endpoint_auth_methods_supported": self.auth_methods,
        }

    def _authorize(self, query: dict[str, str]) -> Answer:
        told = {"state": query["state"], "iss": self.root}
        if self.error is not None:
            told |= {"error": self.error}
        else:
            told |= {"code": f"code-{len(self._codes)}"}
            self._codes[told["code"]] = query
        return Answer(303, {"Location": f"{query['redirect_uri']}?{urlencode(told)}"})

    def _token(self, form: dict[str, str], headers: dict[str, str]) -> Answer:
        begun = self._codes.pop(form.get("code", ""), None)
        challenge = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest())
        is_proven = (
            begun is not None
            and begun["code_challenge"] == challenge.rstrip(b"=").decode()
            and begun["redirect_uri"] == form["redirect_uri"]
            and self._knows(form, headers)
        )
        if not is_proven or begun is None:
            return _json({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.root, "aud": CLIENT, "iat": now, "exp": now + 300,
                  "nonce": begun["nonce"], **self.person}  # fmt: skip
        return _json({"id_token": self.signed(self.change(claims)), "token_type": "Bearer"})

    def _knows(self, form: dict[str, str], headers: dict[str, str]) -> bool:
        if "authorization" in headers:
            shown = b64decode(headers["authorization"].removeprefix("Basic ")).decode()
            return "client_secret_basic" in self.auth_methods and shown == f"{CLIENT}:{SECRET}"
        return "client_secret_post" in self.auth_methods and form.get("client_secret") == SECRET


def with_shared_secret() -> OctKey:
    """Return a key that a forger could know: the client's secret."""
    return OctKey.import_key(SECRET.ljust(32, "x"))


def query_of(url: str) -> dict[str, str]:
    """Return the query parameters of a URL."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def _json(data: Any, status: int = 200) -> Answer:
    return Answer(status, {"Content-Type": "application/json"}, json.dumps(data).encode())
