"""The requests of the storage, one by one, for the code that moves bytes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

from vantage_sdk.core.request import Request, Safety
from vantage_sdk.core.shapes import is_whole
from vantage_sdk.core.transfer.checksums import sha256_of_field
from vantage_sdk.core.transfer.paths import is_path, remote_path
from vantage_sdk.core.transfer.reading import Version, strong
from vantage_sdk.core.transfer.tries import Remote
from vantage_sdk.core.transfer.tus import BASE, NOTHING, Offer, offer
from vantage_sdk.core.urls import resolve_link, same_origin, segment
from vantage_sdk.exceptions import ResourceNotFoundError, TransferError, VantageAPIError, VantageConnectionError
from vantage_sdk.models.base import nothing, one
from vantage_sdk.models.storage_file import StorageFile
from vantage_sdk.pagination import page_of, start_of, walk

if TYPE_CHECKING:
    from vantage_sdk.core.answer import Answer
    from vantage_sdk.core.sending import Sender
    from vantage_sdk.core.transfer.remote import Content
    from vantage_sdk.pagination import Page

T = TypeVar("T")
log = logging.getLogger("vantage_sdk")
FILES = page_of(StorageFile, "files")
LARGEST_PAGE = 100
FEW = 64 << 10  # bytes that are no bulk: they go the way of every other request
JOINED_PER_SECOND = 64 << 20  # bytes that a server joins at the least, which nothing is heard from meanwhile
DETAILED = {"include_size": True, "include_metadata": True}
PATIENCE = 0.8  # seconds for a last word to the server
FILE = "/storage/files/{file_id}"


def _itself(answer: Answer) -> Answer:
    return answer


def versioned(answer: Answer) -> StorageFile:
    """Decode a file whose entity tag may be in the headers only."""
    file = sound(one(StorageFile)(answer))
    if file.etag is None and "etag" in answer.headers:
        return StorageFile.from_dict({**file.to_dict(), "etag": answer.headers["etag"]})
    return file


def sound(file: StorageFile) -> StorageFile:
    """Return a file whose fields are what they should be, as far as code depends on them; raise ``ValueError`` for another."""
    texts = {"path": file.path or None, "etag": file.etag or "", "checksum": file.checksum or ""}
    odd = [name for name, value in texts.items() if not isinstance(value, str)]
    if file.size is not None and not is_whole(file.size, 0):
        odd.append("size")
    if odd:
        raise ValueError(f"a file with an odd {odd[0]}")
    if file.id is not None:
        try:
            segment(file.id, "id")
        except TypeError as error:
            raise ValueError(str(error)) from None
    return file


def _files(answer: Answer) -> Page[StorageFile]:
    page = FILES(answer)
    for file in page:
        sound(file)
    return page


class StorageApi:
    """The storage of one client, with the options of one call."""

    def __init__(self, sender: Sender, options: Mapping[str, Any]) -> None:
        self.sender = sender
        self.options = options
        self._asked = set[str]()

    def over(self, sender: Sender) -> StorageApi:
        return StorageApi(sender, self.options)

    async def _send(self, request: Request[T], **changes: Any) -> T:
        return self.sender.decode(request, await self.sender.fetch(request, {**self.options, **changes}))

    # Files

    async def file(self, file_id: str) -> StorageFile:
        return await self._send(Request("GET", FILE, versioned, {"file_id": file_id}))

    async def page(self, path: str, token: str | None = None, *, recursive: bool | None = None) -> Page[StorageFile]:
        query = start_of({"path": path, "recursive": recursive, **DETAILED, "limit": LARGEST_PAGE, "page_token": token})
        return await self._send(Request("GET", "/storage/files", _files, query=query))

    async def find(self, path: str) -> StorageFile | None:
        """Return the file at a path, ``None`` if there is none; of a directory only one page is looked at."""
        below = path + "/"

        async def fetch(token: str | None) -> Page[StorageFile]:
            return await self.page(path, token)

        async with aclosing(walk(fetch, self.sender.io)) as walked:
            async for pages in walked:
                for file in pages[0]:
                    if file.path == path and not file.is_directory:
                        return file
                    if file.path.startswith(below):
                        return None
        return None

    async def resolve(self, path_or_id: str) -> StorageFile:
        """Return the file for a path or an id; raise ``ResourceNotFoundError`` if there is none."""
        if not is_path(path_or_id):
            return await self.file(path_or_id)
        found = await self.find(remote_path(path_or_id))
        if found is None or found.id is None:
            raise ResourceNotFoundError(
                f"there is no file at {path_or_id}",
                status_code=404,
                code="resource_not_found",
                method="GET",
                path=self.listing,
            )
        return found

    @property
    def listing(self) -> str:
        """The path that files are looked up at, as errors show it."""
        return self.sender.config.path_prefix + "/storage/files"

    async def remote(self, path_or_id: str) -> Remote:
        """Return how to read a file, and the version of it that is there now."""
        file = await self.resolve(path_or_id)
        return self._readable(file, file.id or path_or_id)

    async def remote_again(self, file: StorageFile) -> Remote:
        """Return how to read a file that was listed, as it was, and from the second time on as it is by then."""
        if file.path in self._asked or file.id is None:
            return await self.remote(file.path)
        self._asked.add(file.path)
        return self._readable(file, file.id)

    def _readable(self, file: StorageFile, file_id: str) -> Remote:
        request = Request("GET", FILE + "/download", _itself, {"file_id": file_id}, accept="*/*")
        version = Version(file.size, strong(file.etag), sha256_of_field(file.checksum))
        return Remote(request, version, self.sender.shown(file.path or file_id))

    async def listed(self, folder: str) -> dict[str, StorageFile]:
        """Return all files below a directory by path."""

        async def fetch(token: str | None) -> Page[StorageFile]:
            return await self.page(folder, token, recursive=True)

        pages = [page async for found in walk(fetch, self.sender.io) for page in found]
        return {file.path: file for page in pages for file in page if not file.is_directory}

    async def delete(self, file_id: str, etag: str | None = None) -> None:
        headers = {} if etag is None else {"If-Match": etag}
        await self._send(Request("DELETE", FILE, nothing, {"file_id": file_id}, headers=headers))

    async def withdraw(self, file: StorageFile) -> None:
        if file.id is not None and file.etag is not None:
            try:
                await self.delete(file.id, file.etag)
            except VantageConnectionError:
                raise
            except VantageAPIError as error:
                log.warning("%s was stored wrong and could not be removed: %s", file.path, error)

    # Uploads

    async def post(self, body: Content, content_type: str, key: str) -> StorageFile:
        request = Request(
            "POST",
            "/storage/files",
            versioned,
            content=body,
            bulk=isinstance(body, bytes) or body.length > FEW,
            safety=Safety.KEYED,
            idempotency_key=key,
            headers={"Content-Type": content_type},
        )
        return await self._send(request, max_retries=0)

    async def offer(self) -> Offer:
        shared = self.sender.shared
        if shared.upload_offer is None:
            try:
                answer = await self._send(Request("OPTIONS", "/storage/files", _itself, headers=BASE))
                shared.upload_offer = offer(answer)
            except VantageAPIError as error:
                if error.status_code not in (400, 404, 405, 412, 501):
                    raise
                shared.upload_offer = NOTHING
        return shared.upload_offer

    async def create(self, headers: Mapping[str, str], size: int = 0) -> Answer:
        request = Request("POST", "/storage/uploads", _itself, headers={**BASE, **headers})
        if not size:
            return await self._send(request)
        timeout = self.options.get("timeout", self.sender.config.timeout)
        return await self._send(
            request, timeout=None if timeout is None else _seconds(timeout) + size / JOINED_PER_SECOND
        )

    async def append(self, link: str, headers: Mapping[str, str], body: Content) -> Answer:
        request = Request("PATCH", link, _itself, content=body, bulk=True, headers={**BASE, **headers}, rooted=True)
        return await self._send(request, max_retries=0)

    async def state(self, link: str) -> Answer:
        return await self._send(Request("HEAD", link, _itself, headers=BASE, rooted=True))

    async def terminate(self, link: str) -> None:
        await self._send(Request("DELETE", link, nothing, headers=BASE, rooted=True), max_retries=0, timeout=PATIENCE)

    def links(self, answers: Sequence[Answer]) -> list[str]:
        """Return where uploads go on, as paths below the mount of this server; a place elsewhere is a ``TransferError``."""
        return [self._link(answer.headers.get("location", "")) for answer in answers]

    def _link(self, location: str) -> str:
        config = self.sender.config
        asked = f"{config.origin}{config.path_prefix}/storage/uploads"
        if not location:
            raise TransferError("the server does not say where the upload goes on")
        link = resolve_link(location, asked)
        if link is None or not same_origin(link, asked):
            raise TransferError("the server wants the upload to go on at another origin, which gets no credentials")
        parts = urlsplit(link)
        dots = {".", ".."}.intersection(unquote(parts.path).split("/"))
        if dots or not parts.path.startswith(config.mount + "/") or parts.fragment:
            raise TransferError("the server wants the upload to go on outside its base URL")
        return parts.path.removeprefix(config.mount) + (f"?{parts.query}" if parts.query else "")


def _seconds(timeout: Any) -> float:
    return timeout.total_seconds() if hasattr(timeout, "total_seconds") else float(timeout)
