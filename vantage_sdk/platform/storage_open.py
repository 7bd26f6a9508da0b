"""File objects over remote files."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Literal, NamedTuple, Protocol, overload

from typing_extensions import Unpack

from vantage_sdk.core.request import CallOptions
from vantage_sdk.core.resource import Async, Mode, Resource, opening
from vantage_sdk.core.shapes import is_whole
from vantage_sdk.core.transfer.file_objects import FileReader, FileWriter, RawReader, RawWriter, TextWriter
from vantage_sdk.core.transfer.file_objects_async import AsyncFileReader, AsyncFileWriter
from vantage_sdk.core.transfer.file_objects_text import AsyncTextReader, AsyncTextWriter
from vantage_sdk.core.transfer.file_reading import BLOCK, Reading
from vantage_sdk.core.transfer.file_writing import Writing
from vantage_sdk.core.transfer.multipart import checked_type
from vantage_sdk.core.transfer.outgoing import Outgoing
from vantage_sdk.core.transfer.paths import remote_path as checked_path
from vantage_sdk.core.transfer.remote import Target
from vantage_sdk.exceptions import ConflictError
from vantage_sdk.platform.storage_api import StorageApi

MODES = ("r", "rb", "w", "wb", "x", "xb")
NEWLINES = (None, "", "\n", "\r", "\r\n")

ReadBytes = Literal["rb"]
ReadText = Literal["r"]
WriteBytes = Literal["wb", "xb"]
WriteText = Literal["w", "x"]


class OpenOptions(CallOptions, total=False):
    """The options of ``open``, for type checkers."""

    encoding: str
    errors: str
    newline: str | None
    content_type: str | None
    block_size: int


class Text(NamedTuple):
    """How text becomes bytes."""

    encoding: str = "utf-8"
    errors: str = "strict"
    newline: str | None = None


class Open(Protocol):
    """What ``open`` of a blocking client returns for each mode."""

    @overload
    def __call__(self, remote_path: str, mode: ReadBytes = "rb", **options: Unpack[OpenOptions]) -> FileReader: ...
    @overload
    def __call__(self, remote_path: str, mode: ReadText, **options: Unpack[OpenOptions]) -> io.TextIOWrapper: ...
    @overload
    def __call__(self, remote_path: str, mode: WriteBytes, **options: Unpack[OpenOptions]) -> FileWriter: ...
    @overload
    def __call__(self, remote_path: str, mode: WriteText, **options: Unpack[OpenOptions]) -> TextWriter: ...
    @overload
    def __call__(self, remote_path: str, mode: str, **options: Unpack[OpenOptions]) -> Any: ...


class AsyncOpen(Protocol):
    """What ``open`` of an asynchronous client returns for each mode."""

    @overload
    def __call__(
        self, remote_path: str, mode: ReadBytes = "rb", **options: Unpack[OpenOptions]
    ) -> Coroutine[Any, Any, AsyncFileReader]: ...
    @overload
    def __call__(
        self, remote_path: str, mode: ReadText, **options: Unpack[OpenOptions]
    ) -> Coroutine[Any, Any, AsyncTextReader]: ...
    @overload
    def __call__(
        self, remote_path: str, mode: WriteBytes, **options: Unpack[OpenOptions]
    ) -> Coroutine[Any, Any, AsyncFileWriter]: ...
    @overload
    def __call__(
        self, remote_path: str, mode: WriteText, **options: Unpack[OpenOptions]
    ) -> Coroutine[Any, Any, AsyncTextWriter]: ...
    @overload
    def __call__(self, remote_path: str, mode: str, **options: Unpack[OpenOptions]) -> Coroutine[Any, Any, Any]: ...


class StorageOpen(Resource[Mode]):
    """The part of ``storage`` that opens files."""

    @opening[Open, AsyncOpen]
    async def open(
        self: StorageOpen[Async],
        remote_path: str,
        mode: str = "rb",
        *,
        encoding: str = "utf-8",
        errors: str = "strict",
        newline: str | None = None,
        content_type: str | None = None,
        block_size: int = BLOCK,
        **options: Unpack[CallOptions],
    ) -> Any:
        """Open a remote file as a file object.

        ``remote_path``: a path, from ``/`` on, for reading also an id; ``mode``: ``rb`` (default) or ``r`` reads, ``wb`` or
        ``w`` replaces what is there, ``xb`` or ``x`` refuses to; without ``b`` it is text.  ``encoding`` (default UTF-8),
        ``errors`` and ``newline``: of text, as for the ``open`` of Python; ``content_type``: of a new file, default the
        server's guess from the name; ``block_size``: bytes to fetch at once when reading, default 4 MiB.

        Reading fetches what is asked for, and in a row one block ahead; at most two blocks are in memory.  It is one version of
        the file: if it is replaced meanwhile, reading on raises ``TransferError``.  Of a file that was read from its
        beginning to its end, in order, the digest is compared with that of the server.  Writing sends pieces of 8 MiB; the
        file is there once it is closed, and is then in ``stored``.  If the ``with`` block is left by an exception, or the
        file object is lost (``ResourceWarning``), nothing is stored.  ``timeout`` is the longest silence in seconds, and
        ``deadline`` begins anew with each request.

        Returns a file object of ``io``, with an asynchronous client one whose methods are awaited (``aclose`` closes it).
        Raises ``ValueError`` for another mode, ``ResourceNotFoundError`` if there is no such file, ``ConflictError`` for
        ``x`` if there is one; reading raises as ``download``, writing and closing as ``upload``.
        """
        text = Text(encoding, errors, newline)
        _check(mode, block_size, content_type, text)
        api, io_suspends = StorageApi(self._sender, options), self._sender.io.suspends
        if mode.startswith("r"):
            resolve = partial(api.remote, remote_path)
            reading = Reading(self._sender, options, await resolve(), resolve, block_size)
            return _readers[io_suspends](reading, mode, text)
        target = Target(checked_path(remote_path), not mode.startswith("x"), checked_type(content_type))
        if not target.overwrite and await api.find(target.path) is not None:
            raise ConflictError(
                f"{target.path} exists; mode 'w' replaces it", status_code=409, code="resource_conflict"
            )
        return _writers[io_suspends](Writing(Outgoing(api, target), target.path), mode, text)


def _check(mode: str, block_size: int, content_type: str | None, text: Text) -> None:
    """Raise ``ValueError`` for what makes no sense, ``LookupError`` for an unknown encoding."""
    if mode not in MODES:
        raise ValueError(f"mode is one of {', '.join(MODES)}, not {mode!r}")
    if not is_whole(block_size, 1):
        raise ValueError(f"block_size is a number from 1, not {block_size!r}")
    if "b" in mode and text != Text():
        raise ValueError(f"mode {mode!r} is binary: encoding, errors and newline are for text")
    if mode.startswith("r") and content_type is not None:
        raise ValueError("content_type is for new files")
    if text.newline not in NEWLINES:
        raise ValueError(f"newline is None, '', '\\n', '\\r' or '\\r\\n', not {text.newline!r}")
    codecs.lookup(text.encoding)
    codecs.lookup_error(text.errors)


def _reader(reading: Reading, mode: str, text: Text) -> FileReader | io.TextIOWrapper:
    file = FileReader(RawReader(reading, mode))
    return file if "b" in mode else _moded(io.TextIOWrapper(file, *text), mode)


def _async_reader(reading: Reading, mode: str, text: Text) -> AsyncFileReader | AsyncTextReader:
    file = AsyncFileReader(reading, mode)
    return file if "b" in mode else AsyncTextReader(file, *text)


def _writer(writing: Writing, mode: str, text: Text) -> FileWriter | io.TextIOWrapper:
    file = FileWriter(RawWriter(writing, mode))
    return file if "b" in mode else _moded(TextWriter(file, *text), mode)


def _async_writer(writing: Writing, mode: str, text: Text) -> AsyncFileWriter | AsyncTextWriter:
    file = AsyncFileWriter(writing, mode)
    return file if "b" in mode else AsyncTextWriter(file, *text)


def _moded(file: io.TextIOWrapper, mode: str) -> io.TextIOWrapper:
    vars(file)["mode"] = mode  # where the ``open`` of Python puts it
    return file


_readers: dict[bool, Callable[[Reading, str, Text], Any]] = {False: _reader, True: _async_reader}
_writers: dict[bool, Callable[[Writing, str, Text], Any]] = {False: _writer, True: _async_writer}
