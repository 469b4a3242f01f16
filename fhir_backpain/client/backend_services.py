"""SMART Backend Services: a token for a program, proven by its own key.

The key never leaves the machine: the token endpoint gets a short-lived assertion that it signed.
SMART: http://hl7.org/fhir/smart-app-launch/backend-services.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from fhir_backpain.client.base_url import origin, parse_base_url
from fhir_backpain.client.credentials import BearerToken
from fhir_backpain.client.messages import BAD_KEY, NO_JOSE, NO_TOKEN, TOKEN_NEEDS_TLS
from fhir_backpain.client.plain_exchange import PlainExchange
from fhir_backpain.errors import PermanentRemoteError, SettingsError

MAX_LIFETIME = 300
"""Seconds: an assertion must not be good for longer than five minutes."""

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class BackendServices:
    """Who asks for a token, and with which key.

    `key_file` is a private key, RSA or EC on P-384, as PEM or JWK. It is read anew for every
    assertion, so that a key can be replaced while the program runs. `token_url` is found in the
    server's SMART configuration where it is not given. `lifetime` of an assertion is in seconds.
    """

    client_id: str
    key_file: Path
    scope: str = "system/*.rs system/*.cud"
    key_id: str | None = None
    token_url: str | None = None
    lifetime: int = 240

    def __post_init__(self) -> None:
        if not 0 < self.lifetime <= MAX_LIFETIME:
            text = f"An assertion may be good for at most {MAX_LIFETIME} seconds."
            raise SettingsError(BAD_KEY.issue(text))

    def credentials(self, base_url: str, exchange: PlainExchange | None = None) -> BearerToken:
        """Return credentials for the FHIR server at `base_url`; nothing is asked yet.

        Their token goes to that server alone. Raises SettingsError for a key that cannot be used.
        """
        self.assertion("https://token.invalid/")
        asked = exchange or PlainExchange()
        where = _TokenUrl(parse_base_url(base_url), self.token_url, asked)
        return BearerToken(lambda: self._fetch(where(), asked))

    def assertion(self, token_url: str, now: Callable[[], float] = time.time) -> str:
        """Return a signed assertion for a token endpoint; SettingsError without a usable key."""
        try:
            from joserfc import jwt
        except ImportError as error:
            raise SettingsError(NO_JOSE.issue("The package joserfc is not installed.")) from error
        key, algorithm = self._key()
        header = {"alg": algorithm, "typ": "JWT"}
        kid = self.key_id or key.kid
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": token_url,
            "jti": str(uuid4()),
            "exp": int(now()) + self.lifetime,
        }
        signed: str = jwt.encode({**header, **({"kid": kid} if kid else {})}, claims, key,
                                 algorithms=[algorithm])  # fmt: skip
        return signed

    def _key(self) -> tuple[Any, str]:
        from joserfc.errors import JoseError
        from joserfc.jwk import ECKey, RSAKey

        try:
            text = self.key_file.read_text("ascii")
            data: Any = json.loads(text) if text.lstrip().startswith("{") else text
        except (OSError, ValueError) as error:
            raise _bad_key("cannot be read") from error
        for kind, algorithm in ((RSAKey, "RS384"), (ECKey, "ES384")):
            try:
                key = kind.import_key(data)
            except (JoseError, ValueError, TypeError, KeyError):
                continue
            if not key.is_private:
                raise _bad_key("holds a public key only")
            if isinstance(key, ECKey) and key.curve_name != "P-384":
                raise _bad_key("holds an EC key that is not on P-384")
            return key, algorithm
        raise _bad_key("holds no RSA or EC key")

    def _fetch(self, token_url: str, exchange: PlainExchange) -> tuple[str, float]:
        form = {
            "grant_type": "client_credentials",
            "scope": self.scope,
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": self.assertion(token_url),
        }
        answer = exchange.post_form(token_url, form)
        token, lifetime = answer.get("access_token"), answer.get("expires_in", MAX_LIFETIME)
        kind = str(answer.get("token_type", "")).lower()
        good = isinstance(token, str) and token.isascii() and token.isprintable()
        if kind != "bearer" or not good or not token or isinstance(lifetime, bool):
            raise PermanentRemoteError(NO_TOKEN.issue("The answer holds no bearer token."))
        if not isinstance(lifetime, int | float) or lifetime <= 0:
            raise PermanentRemoteError(NO_TOKEN.issue("The token's lifetime cannot be read."))
        return str(token), float(lifetime)


class _TokenUrl:
    """The token endpoint: as given, or as the server's SMART configuration names it.

    SMART: http://hl7.org/fhir/smart-app-launch/conformance.html
    """

    def __init__(self, base_url: str, given: str | None, exchange: PlainExchange) -> None:
        self._base_url = base_url
        self._url = _checked(given) if given else None
        self._exchange = exchange

    def __call__(self) -> str:
        if self._url is None:
            found = self._exchange.get(f"{self._base_url}/.well-known/smart-configuration")
            named = found.get("token_endpoint")
            if not isinstance(named, str):
                text = "The SMART configuration names no token endpoint."
                raise PermanentRemoteError(NO_TOKEN.issue(text))
            try:
                self._url = _checked(named)
            except SettingsError as error:
                raise PermanentRemoteError(error.issues) from error
        return self._url


def _checked(url: str) -> str:
    try:
        scheme, host, _ = origin(url)
    except ValueError as error:
        raise SettingsError(TOKEN_NEEDS_TLS.issue("The token URL cannot be used.")) from error
    if scheme != "https" and host not in _LOOPBACK:
        raise SettingsError(TOKEN_NEEDS_TLS.issue("The token URL is not https."))
    return url


def _bad_key(why: str) -> SettingsError:
    return SettingsError(BAD_KEY.issue(f"The key file {why}."))
