"""The client behind the file system of fsspec, and how its key stays hidden."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# fsspec has no types

from __future__ import annotations

import hashlib
import hmac
import os
import weakref
from typing import Any, NoReturn, Self

try:
    from fsspec.config import apply_config
    from fsspec.spec import AbstractFileSystem
except ImportError as error:
    raise ImportError("vantage:// needs fsspec: pip install 'vantage-sdk[fsspec]'") from error

from vantage_sdk.client import VantageClient

_OF_FSSPEC = {"use_listings_cache", "listings_expiry_time", "max_paths", "asynchronous", "loop"}
_SECRET = os.urandom(32)


class Key:
    """An API key among the storage options: equal ones look alike, but only in this process, and nothing shows them."""

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"<key {hmac.digest(_SECRET, self.value.encode(), hashlib.sha256).hex()[:32]}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and hmac.compare_digest(self.value.encode(), other.value.encode())

    def __hash__(self) -> int:
        return hash(repr(self))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("storage options with an api_key cannot be pickled; set VANTAGE_API_KEY where they are used")


class Held:
    """A client among the storage options: two of them never look alike; ``owned`` by the file system if it was unpickled."""

    def __init__(self, value: VantageClient, *, owned: bool = False) -> None:
        self.value = value
        self.owned = owned

    def __repr__(self) -> str:
        return f"<client {id(self.value):#x}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self.value,)


def _unpickled(client: VantageClient) -> Held:
    return Held(client, owned=True)


class ByKey(type(AbstractFileSystem)):  # type: ignore[misc]
    """Keeps instances with different keys or clients apart without a key in a token, an option or a JSON text."""

    def __call__(cls, *args: Any, **options: Any) -> Any:
        options = apply_config(cls, options)
        if isinstance(options.get("api_key"), str):
            options["api_key"] = Key(options["api_key"])
        if options.get("client") is not None:
            options["skip_instance_cache"] = True  # which would keep the client for good
        if isinstance(options.get("client"), VantageClient):
            options["client"] = Held(options["client"])
        return super().__call__(*args, **options)


class WithClient(AbstractFileSystem, metaclass=ByKey):  # type: ignore[misc]
    """A file system that has a client in each process."""

    def __init__(self, *, client: Any = None, **options: Any) -> None:
        super().__init__(**{name: options.pop(name) for name in _OF_FSSPEC & options.keys()})
        if not isinstance(client, Held | None):
            raise TypeError(f"client takes a VantageClient, not {type(client).__name__}")
        if client is not None and options:
            raise TypeError(f"client= has its own settings: leave out {', '.join(sorted(options))}")
        self._given = None if client is None else client.value
        if client is not None and client.owned:
            weakref.finalize(self, client.value.close)
        key = options.get("api_key")
        self._settings: dict[str, Any] = {**options, "api_key": key.value} if isinstance(key, Key) else options
        self._made: dict[int, VantageClient] = {}

    @property
    def client(self) -> VantageClient:
        """The client of this process."""
        if self._given is not None:
            return self._given
        client = self._made.get(os.getpid())
        if client is None:
            made = VantageClient(**self._settings)
            client = self._made.setdefault(os.getpid(), made)
            if client is made:
                weakref.finalize(self, made.close)
        return client

    @property
    def _is_private(self) -> bool:
        return self._given is not None or self._settings.get("api_key") is not None

    @property
    def fsid(self) -> str:
        """What tells this storage from others."""
        return f"vantage {self.client.config.base_url}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the storage options; raises ``TypeError`` where the client would, as with ``api_key=``."""
        if self._is_private:
            self.client.__reduce__()
        found: tuple[Any, ...] = super().__reduce__()
        return found

    def to_dict(self, *, include_password: bool = True) -> dict[str, Any]:
        """Return the storage options for JSON; raises ``TypeError`` for ``api_key=`` and ``client=``, which stay out of it."""
        if self._is_private:
            raise TypeError("a file system with api_key= or client= has no JSON form; set VANTAGE_API_KEY instead")
        found: dict[str, Any] = super().to_dict(include_password=include_password)
        return found
