"""Public keys of an identity provider, from a JSON Web Key Set."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

MAX_SIZE = 1024 * 1024
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "ES256K", "EdDSA"}
)
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True, repr=False)
class VerificationKey:
    """A key with the one algorithm that it may be used with, and the id by which tokens name it."""

    algorithm: str
    key: Any
    key_id: str | None = None


def read_key_set(source: str | os.PathLike[str] | Mapping[str, Any]) -> tuple[VerificationKey, ...]:
    """Return the signature keys of a set, given as a file or as data; one that cannot be used is a ``ValueError``.

    The algorithm of a key is the one that the set names, else RS256 for RSA, and for elliptic curves that of the curve.
    """
    data = _load(source) if isinstance(source, str | os.PathLike) else source
    entries = cast("list[object]", found) if isinstance(found := data.get("keys"), list) else [None]
    if not all(isinstance(entry, Mapping) for entry in entries):
        raise ValueError("a JWKS is an object with the list 'keys'")
    signing = [entry for entry in cast("list[Mapping[str, Any]]", entries) if entry.get("use", "sig") == "sig"]
    if not signing:
        raise ValueError("the JWKS has no key for signatures")
    return tuple(_key(number, entry) for number, entry in enumerate(signing))


def _load(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    with open(path, "rb") as file:
        content = file.read(MAX_SIZE + 1)
    if len(content) > MAX_SIZE:
        raise ValueError(f"{os.fspath(path)} is larger than {MAX_SIZE} bytes, so it is no JWKS")
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError(f"{os.fspath(path)} is not JSON, so it is no JWKS") from None
    return cast("Mapping[str, Any]", data) if isinstance(data, dict) else {}


def _key(number: int, entry: Mapping[str, Any]) -> VerificationKey:
    import jwt
    from jwt.exceptions import MissingCryptographyError

    public = {name: value for name, value in entry.items() if name not in _PRIVATE}
    if public.get("kty") == "oct" or public.get("alg", "RS256") not in ALGORITHMS:
        raise ValueError(f"key {number} of the JWKS must be a public key for one of {', '.join(sorted(ALGORITHMS))}")
    try:
        key = jwt.PyJWK(public)
    except MissingCryptographyError:
        raise ValueError("the keys of a JWKS need the package cryptography: pip install 'pyjwt[crypto]'") from None
    except jwt.PyJWTError:
        raise ValueError(f"key {number} of the JWKS cannot be read") from None
    return VerificationKey(key.algorithm_name, key.key, key.key_id)
