"""Secrets: made at random, stored only as hashes, compared in constant time.

A password is hashed by scrypt, slowly, since people choose it; a token and the key of a session
are 256 random bits, for which one SHA-256 is enough.
"""

from __future__ import annotations

import hmac
import re
import secrets
from hashlib import sha256

from werkzeug.security import check_password_hash, generate_password_hash

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256

NO_PASSWORD = "!"  # noqa: S105 - it is no password, by its very meaning
"""What is stored for a person whom an identity provider knows: no password is right."""

_TOKEN = re.compile(r"fbp_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
# What a password is compared with where the name is not known, so that this takes as long.
_NOBODY = generate_password_hash(secrets.token_hex(16), method="scrypt")


def new_token() -> tuple[str, str, str]:
    """Return a token, the part of it that names it, and the hash of the rest."""
    number, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    return f"fbp_{number}_{secret}", number, hash_of(secret)


def token_parts(text: str) -> tuple[str, str] | None:
    """Return the name and the secret of a token, None for what is no token."""
    found = _TOKEN.fullmatch(text)
    return (found[1], found[2]) if found else None


def new_key() -> str:
    """Return a key of 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """Return the hash under which a random secret is stored."""
    return sha256(secret.encode()).hexdigest()


def is_same(secret: str, stored: str) -> bool:
    """True where a random secret has the stored hash; takes the same time either way."""
    return hmac.compare_digest(hash_of(secret), stored)


def password_hash(password: str) -> str:
    """Return the hash under which a password is stored."""
    return generate_password_hash(password, method="scrypt")


def is_password(password: str, stored: str | None) -> bool:
    """True where a password has the stored hash; as slow where nothing is stored."""
    known = None if stored == NO_PASSWORD else stored
    right = check_password_hash(known or _NOBODY, password)
    return right and known is not None
