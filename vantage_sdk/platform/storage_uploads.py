"""Uploads: a source of any kind, or text."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, Callable, Iterable
from typing import BinaryIO

from typing_extensions import Unpack

from vantage_sdk.core.request import CallOptions
from vantage_sdk.core.resource import Async, Mode, Resource, method
from vantage_sdk.core.shapes import flag
from vantage_sdk.core.transfer.multipart import checked_type
from vantage_sdk.core.transfer.paths import remote_path as checked_path
from vantage_sdk.core.transfer.remote import Target
from vantage_sdk.core.transfer.uploading import upload
from vantage_sdk.models.storage_file import StorageFile
from vantage_sdk.platform.storage_api import StorageApi

ProgressCallback = Callable[[int, int], object]
Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Iterable[bytes] | AsyncIterable[bytes]


class StorageUploads(Resource[Mode]):
    """The part of ``storage`` that uploads single files."""

    @method
    async def upload(
        self: StorageUploads[Async],
        local_path: Source,
        remote_path: str,
        *,
        overwrite: bool = False,
        content_type: str | None = None,
        resume: bool = False,
        checksum: bool = True,
        progress_callback: ProgressCallback | None = None,
        progress: bool = False,
        **options: Unpack[CallOptions],
    ) -> StorageFile:
        """Upload a file.

        ``local_path``: a path, bytes, a binary file object (from where it stands), or an iterator of bytes, with an
        asynchronous client also an asynchronous one; ``remote_path``: where it goes, from ``/`` on; ``overwrite``: replace
        what is there, default no; ``content_type``: default the server's guess from the name.

        ``resume``: go on with an upload of the same unchanged file that was interrupted, also in another process, default
        start anew.  ``checksum``: compare the sha256 of what was read with that of what is stored, and send a checksum with
        each piece, default yes; without, only sizes are compared.

        ``progress_callback``: called with the bytes that got through and the total, growing, the total once it is stored;
        where nobody knows the total before the end, as with an iterator, it is what was read so far and grows as well;
        raising in it ends the upload; ``progress``: show a bar on a terminal or in a notebook.  ``timeout`` is the longest
        silence in seconds.

        Up to 8 MiB are one request; more go in pieces that are resumed after a failure, and from 256 MiB in parts side by
        side, where the server offers that (tus 1.0.0).  Nothing is read into memory whole.  Returns the stored file; its
        digest has been compared with that of what was read.

        Raises ``ConflictError`` if something is there, ``IntegrityError`` if the server stored something else,
        ``TransferError`` if the source changed meanwhile, ``OSError`` if it cannot be read, ``ValueError`` and ``TypeError``
        for arguments that are wrong.
        """
        target = Target(checked_path(remote_path), flag("overwrite", overwrite), checked_type(content_type))
        return await upload(
            StorageApi(self._sender, options),
            local_path,
            target,
            resume=flag("resume", resume),
            checksum=flag("checksum", checksum),
            callback=progress_callback,
            progress=progress,
        )

    @method
    async def upload_bytes(
        self: StorageUploads[Async],
        content: bytes,
        remote_path: str,
        *,
        overwrite: bool = False,
        content_type: str | None = None,
        **options: Unpack[CallOptions],
    ) -> StorageFile:
        """Upload bytes from memory as the ``content`` of a file; parameters and errors as for ``upload``."""
        if not isinstance(content, bytes | bytearray | memoryview):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"content takes bytes, not {type(content).__name__}")
        return await self.upload(content, remote_path, overwrite=overwrite, content_type=content_type, **options)

    @method
    async def upload_string(
        self: StorageUploads[Async],
        content: str,
        remote_path: str,
        *,
        encoding: str = "utf-8",
        overwrite: bool = False,
        content_type: str | None = None,
        **options: Unpack[CallOptions],
    ) -> StorageFile:
        """Upload text as the ``content`` of a file.

        ``encoding``: default UTF-8; a character that it does not have raises ``UnicodeEncodeError``.  Other parameters and
        errors as for ``upload``.
        """
        if not isinstance(content, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"content takes text, not {type(content).__name__}")
        data = content.encode(encoding)
        return await self.upload(data, remote_path, overwrite=overwrite, content_type=content_type, **options)
