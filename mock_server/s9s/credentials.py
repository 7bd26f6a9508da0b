"""Who is calling: a token, an API key, an access token or a client certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.auth import Credential, KeyRing, bearer, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mock_server.auth import Presented
    from mock_server.world.tokens import AccessTokens


class S9SKeys:
    """The credentials of S9S.

    ``user_named`` returns the id of the user that a certificate names.  ``anonymous`` is who callers without credentials
    are; ``None`` refuses them.
    """

    def __init__(
        self,
        credentials: Iterable[Credential],
        tokens: AccessTokens,
        *,
        now: Callable[[], float],
        user_named: Callable[[str], str | None],
        anonymous: Credential | None = None,
    ) -> None:
        self._ring = KeyRing(credentials)
        self._tokens = tokens
        self._now = now
        self._user_named = user_named
        self._anonymous = anonymous

    def authenticate(self, presented: Presented, /) -> Credential:
        """Return who is calling; a header counts for more than a certificate, and a wrong one is refused."""
        if presented.authorization is not None:
            return self._by_token(bearer(presented.authorization))
        if presented.api_key is not None:
            return self._by_key(presented.api_key.strip().encode("utf-8", "surrogateescape"))
        if presented.certificate is not None:
            return self._by_certificate(presented.certificate)
        if self._anonymous is not None:
            return self._anonymous
        raise refusal("No credentials were given")

    def _by_key(self, key: bytes) -> Credential:
        credential = self._ring.find(key)
        if credential is None:
            raise refusal("The credentials are not valid")
        return credential

    def _by_token(self, value: bytes) -> Credential:
        credential = self._tokens.find(value)
        if credential is None:
            return self._by_key(value)
        if credential.is_over(self._now()):
            raise refusal("The access token has expired")
        return credential

    def _by_certificate(self, name: str) -> Credential:
        user_id = self._user_named(name)
        if user_id is None:
            raise refusal("The certificate names no user")
        return Credential(f"certificate {name}", user_id)
