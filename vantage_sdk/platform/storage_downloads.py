"""Downloads: to a file, into memory, or as a stream."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import BinaryIO

from typing_extensions import Unpack

from vantage_sdk.core.request import CallOptions
from vantage_sdk.core.resource import Async, Mode, Resource, method, stream
from vantage_sdk.core.shapes import flag, is_whole
from vantage_sdk.core.transfer.download import CONNECTIONS, download
from vantage_sdk.core.transfer.incoming import download_into, in_memory, pieces
from vantage_sdk.core.transfer.tries import in_two_tries
from vantage_sdk.platform.storage_api import StorageApi
from vantage_sdk.platform.storage_uploads import ProgressCallback

IN_MEMORY = 64 << 20


class StorageDownloads(Resource[Mode]):
    """The part of ``storage`` that downloads single files."""

    @method
    async def download(
        self: StorageDownloads[Async],
        remote_path: str,
        local_path: str | os.PathLike[str],
        *,
        resume: bool = False,
        checksum: bool = True,
        connections: int = CONNECTIONS,
        progress_callback: ProgressCallback | None = None,
        progress: bool = False,
        **options: Unpack[CallOptions],
    ) -> Path:
        """Download a file.

        ``remote_path``: a path, from ``/`` on, or an id; ``local_path``: where it goes, replacing what is there.

        ``resume``: go on with a download to the same place that was interrupted, also in another process, if the remote file
        is still the same; default start anew.  ``checksum``: compare the sha256 of the whole with the server's, default yes;
        without, only its size and its version are.  ``connections``: how many to use for a file from 128 MiB on, default 4.
        ``progress_callback``, ``progress`` and ``timeout``: as for ``upload``.

        The bytes go into a hidden file beside the target, which takes its place once its digest is that of the server; until
        then, and if anything goes wrong, the target stays as it is.  Returns the local path.

        Raises ``ResourceNotFoundError`` if there is no such file, ``IntegrityError`` if the bytes are not those that the server
        says it has, ``TransferError`` if the remote file keeps changing, ``OSError`` if it cannot be written.
        """
        if not is_whole(connections, 1):
            raise ValueError(f"connections is a number from 1, not {connections!r}")
        return await download(
            self._sender,
            options,
            partial(StorageApi(self._sender, options).remote, remote_path),
            remote_path,
            local_path,
            resume=flag("resume", resume),
            checksum=flag("checksum", checksum),
            connections=connections,
            callback=progress_callback,
            progress=progress,
        )

    @method
    async def download_to_file(
        self: StorageDownloads[Async],
        remote_path: str,
        file: BinaryIO,
        *,
        progress_callback: ProgressCallback | None = None,
        progress: bool = False,
        **options: Unpack[CallOptions],
    ) -> int:
        """Download a file into an open one.

        ``remote_path``: a path or an id; ``file``: a binary file object, written from where it stands; it stays open.  If what
        came was wrong, it is written anew where the object can seek and truncate.  Returns the number of bytes.  Other
        parameters and errors as for ``download``.
        """
        return await download_into(
            StorageApi(self._sender, options), remote_path, file, callback=progress_callback, progress=progress
        )

    @method
    async def download_to_bytes(
        self: StorageDownloads[Async], remote_path: str, *, max_bytes: int = IN_MEMORY, **options: Unpack[CallOptions]
    ) -> bytes:
        """Download a file into memory.

        ``remote_path``: a path or an id; ``max_bytes``: the most to accept, default 64 MiB, so that a file that grew does not
        fill the memory.  Returns its bytes, whose digest is that of the server.  Raises ``TransferError`` if it has more;
        other errors as for ``download``.
        """
        if not is_whole(max_bytes, 0):
            raise ValueError(f"max_bytes is a number from 0, not {max_bytes!r}")
        api = StorageApi(self._sender, options)
        fetch = partial(in_memory, self._sender, options, max_bytes)
        return await in_two_tries(partial(api.remote, remote_path), fetch)

    @method
    async def download_to_string(
        self: StorageDownloads[Async],
        remote_path: str,
        *,
        encoding: str = "utf-8",
        max_bytes: int = IN_MEMORY,
        **options: Unpack[CallOptions],
    ) -> str:
        """Download a file as text.

        ``encoding``: default UTF-8; bytes that are none raise ``UnicodeDecodeError``.
        Other parameters and errors as for ``download_to_bytes``.
        """
        return (await self.download_to_bytes(remote_path, max_bytes=max_bytes, **options)).decode(encoding)

    @stream
    async def download_stream(
        self: StorageDownloads[Async], remote_path: str, **options: Unpack[CallOptions]
    ) -> AsyncGenerator[Sequence[bytes], None]:
        """Yield the bytes of a file as they come, in pieces of no particular size.

        ``remote_path``: a path or an id.  A connection that breaks is made anew and goes on after the last byte.  Whether all of
        it was right is known only at the end: ``IntegrityError`` and ``TransferError`` may be raised after the last piece; other
        errors as for ``download``.
        """
        remote = await StorageApi(self._sender, options).remote(remote_path)
        async with aclosing(pieces(self._sender, options, remote)) as chunks:
            async for chunk in chunks:
                yield [chunk]
