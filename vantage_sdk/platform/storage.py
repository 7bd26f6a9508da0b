"""Files of the storage: list, inspect, remove; the rest is in ``storage_uploads``, ``storage_downloads`` and their neighbours."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime

from typing_extensions import Unpack

from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, method, stream
from vantage_sdk.core.retry import gone_is_done
from vantage_sdk.core.transfer.paths import is_path, remote_folder
from vantage_sdk.exceptions import ResourceNotFoundError
from vantage_sdk.models.storage_file import StorageFile
from vantage_sdk.pagination import Page, start_of, walk
from vantage_sdk.platform.storage_api import FILES, LARGEST_PAGE, StorageApi
from vantage_sdk.platform.storage_directories import StorageDirectories
from vantage_sdk.platform.storage_downloads import StorageDownloads
from vantage_sdk.platform.storage_open import StorageOpen
from vantage_sdk.platform.storage_uploads import StorageUploads

Time = str | datetime


class FileFilters(CallOptions, total=False):
    """What a list of files can be narrowed, detailed and sorted by.

    ``recursive``: all files below, instead of the files and directories directly in it; ``include_size``,
    ``include_metadata``: ask for these, where a server does not tell them anyway; ``created_after``, ``created_before``,
    ``updated_after``, ``updated_before``: ISO 8601 text or an aware ``datetime``, bounds excluded; ``sort``: ``created_at``,
    ``updated_at`` or ``name``, with a leading ``-`` for descending, default ``-created_at``.
    """

    recursive: bool
    include_size: bool
    include_metadata: bool
    created_after: Time | None
    created_before: Time | None
    updated_after: Time | None
    updated_before: Time | None
    sort: str | None


_FILTERS = tuple(name for name in FileFilters.__annotations__ if name not in CallOptions.__annotations__)


class Storage(StorageUploads[Mode], StorageDownloads[Mode], StorageDirectories[Mode], StorageOpen[Mode]):
    """Files of the storage."""

    @method
    async def list(
        self: Storage[Async],
        path: str = "/",
        *,
        limit: int | None = None,
        offset: int | None = None,
        page: int | None = None,
        page_token: str | None = None,
        **filters: Unpack[FileFilters],
    ) -> Page[StorageFile]:
        """Fetch all that is in a directory, or one page of it if ``limit``, ``offset``, ``page`` or ``page_token`` is given.

        ``path``: the directory, or one file, default the root; ``limit``: page size, at most 100; ``offset``: entries to skip,
        or ``page``: number from 1; filters: see ``FileFilters``.  Returns a ``Page``, itself a sequence of ``StorageFile``,
        empty where nothing is.
        """
        remote_folder(path, "path")
        given = dict(filters)
        query = {"path": path, **{name: given[name] or None for name in _FILTERS if name in given}}
        options = {name: value for name, value in filters.items() if name not in _FILTERS}
        place = {"limit": limit, "offset": offset, "page": page, "page_token": page_token}
        if any(value is not None for value in place.values()):
            return await self._send(
                Request("GET", "/storage/files", FILES, query=start_of({**query, **place})), options
            )
        files = [file async for file in self.list_all(path, page_size=LARGEST_PAGE, **filters)]
        return Page(files, len(files), len(files), 0, 1)

    @stream
    async def list_paginated(
        self: Storage[Async],
        path: str = "/",
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **filters: Unpack[FileFilters],
    ) -> AsyncGenerator[Sequence[Page[StorageFile]], None]:
        """Yield every page of a directory; parameters and errors as ``jobs.list_paginated``, ``path`` and filters as ``list``."""

        async def fetch(token: str | None) -> Page[StorageFile]:
            size = LARGEST_PAGE if page_size is None else page_size
            return await self.list(path, limit=size, page_token=token, **filters)

        async with aclosing(walk(fetch, self._sender.io, prefetch=prefetch, max_items=max_items)) as walked:
            async for pages in walked:
                yield pages

    @stream
    async def list_all(
        self: Storage[Async],
        path: str = "/",
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **filters: Unpack[FileFilters],
    ) -> AsyncGenerator[Sequence[StorageFile], None]:
        """Yield every entry of a directory, fetching pages as needed; parameters and errors as ``list_paginated``."""
        pages = self.list_paginated(path, page_size=page_size, prefetch=prefetch, max_items=max_items, **filters)
        async with pages:
            async for page in pages:
                yield page.items

    @method
    async def get(self: Storage[Async], remote_path: str, **options: Unpack[CallOptions]) -> StorageFile:
        """Fetch what is known of a file: size, digest, entity tag, times.

        ``remote_path``: a path, from ``/`` on, or an id.  Raises ``ResourceNotFoundError`` if there is no such file.
        """
        return await StorageApi(self._sender, options).resolve(remote_path)

    @method
    async def exists(self: Storage[Async], remote_path: str, **options: Unpack[CallOptions]) -> bool:
        """Tell whether there is a file or a directory.

        ``remote_path``: a path, from ``/`` on, or an id.
        """
        if is_path(remote_path):
            folder = remote_folder(remote_path, "remote_path").rstrip("/")
            found = await self.list(folder or "/", limit=1, **options)
            return any(file.path == folder or file.path.startswith(folder + "/") for file in found)
        try:
            await self.get(remote_path, **options)
        except ResourceNotFoundError:
            return False
        return True

    @method
    async def delete(self: Storage[Async], remote_path: str, **options: Unpack[CallOptions]) -> None:
        """Remove a file.

        ``remote_path``: a path or an id.  Raises ``ResourceNotFoundError`` if there is no such file.
        """
        api = StorageApi(self._sender, options)
        file_id = (await api.resolve(remote_path)).id if is_path(remote_path) else remote_path
        try:
            await api.delete(file_id or remote_path)
        except ResourceNotFoundError as error:
            if not gone_is_done(error):
                raise
