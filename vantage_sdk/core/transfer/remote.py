"""What the transfer code needs of a storage, whichever API it belongs to."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from vantage_sdk.core.transfer.tus import metadata
from vantage_sdk.exceptions import VantageAPIError

if TYPE_CHECKING:
    from vantage_sdk.core.answer import Answer
    from vantage_sdk.core.io.port import Body
    from vantage_sdk.core.sending import Sender
    from vantage_sdk.core.transfer.tries import Remote
    from vantage_sdk.core.transfer.tus import Offer
    from vantage_sdk.models.storage_file import StorageFile

    Content = Body | bytes


log = logging.getLogger("vantage_sdk")


@dataclass(frozen=True, slots=True)
class Target:
    """Where an upload goes."""

    path: str
    overwrite: bool
    content_type: str | None = None

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    def fields(self) -> dict[str, str]:
        """Return the documented fields beside the file itself."""
        return {"path": self.path, "overwrite": "true" if self.overwrite else "false"}

    def metadata(self) -> dict[str, str]:
        """Return the header that says the same of a resumable upload."""
        kind = {} if self.content_type is None else {"content_type": self.content_type}
        return {"Upload-Metadata": metadata({**self.fields(), **kind})}


class Uploads(Protocol):
    """The calls that an upload is made of; each is one request with the retries of any other, unless it says otherwise."""

    sender: Sender
    options: Mapping[str, Any]

    async def post(self, body: Content, content_type: str, key: str) -> StorageFile:
        """Send a whole file as a form, once."""
        ...

    async def offer(self) -> Offer:
        """Return what the server can do beyond that; asked once for each client."""
        ...

    async def create(self, headers: Mapping[str, str], size: int = 0) -> Answer:
        """Begin an upload, or join ``size`` bytes of finished parts."""
        ...

    async def append(self, link: str, headers: Mapping[str, str], body: Content) -> Answer:
        """Send the next piece of an upload, once."""
        ...

    async def state(self, link: str) -> Answer:
        """Ask how far an upload is."""
        ...

    async def terminate(self, link: str) -> None:
        """Give an upload up."""
        ...

    async def file(self, file_id: str) -> StorageFile: ...
    async def find(self, path: str) -> StorageFile | None: ...
    async def withdraw(self, file: StorageFile) -> None:
        """Remove this version of a file, which was stored wrong; no error if it cannot be done."""
        ...

    def over(self, sender: Sender) -> Uploads:
        """Return the same calls over another sender."""
        ...

    def links(self, answers: Sequence[Answer]) -> list[str]:
        """Return where uploads go on, as paths of this server; raise ``TransferError`` for a place elsewhere."""
        ...


class Downloads(Protocol):
    """What a download asks for beside the bytes."""

    sender: Sender
    options: Mapping[str, Any]

    async def remote(self, path_or_id: str) -> Remote:
        """Return how to read a file, and the version of it that is there now."""
        ...

    async def remote_again(self, file: StorageFile) -> Remote:
        """Return the same for a file that was listed: as it was, and from the second time on as it is by then."""
        ...

    def over(self, sender: Sender) -> Downloads: ...


async def give_up(remote: Uploads, links: Sequence[str]) -> None:
    """Have uploads removed that nobody will go on with; they expire anyway, so a failure does not matter."""
    for link in links:
        try:
            await remote.terminate(link)
        except VantageAPIError as error:
            log.debug("the upload %s could not be ended: %s", link, error)
