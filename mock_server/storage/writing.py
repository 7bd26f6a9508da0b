"""One piece of an upload while it arrives."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from mock_server.storage.errors import ChecksumError, full_disk

if TYPE_CHECKING:
    from mock_server.storage.blobs import BlobWriter
    from mock_server.storage.checksum import Checksum
    from mock_server.storage.store import Shadows
    from mock_server.storage.upload import Upload
    from mock_server.storage.uploads import Uploads

CHECKPOINT = 16 * 1024 * 1024


class Writing:
    """Appends to an upload; ends by ``commit``, by ``keep`` (the rest will not come) or by ``undo``.

    A long piece without a checksum is kept from time to time, so that a crash does not cost all of it.
    """

    def __init__(self, uploads: Uploads, upload: Upload, checksum: Checksum | None, size: int | None) -> None:
        self._uploads = uploads
        self._checksum = checksum
        self._checkpoints = checksum is None and size is not None
        self._writer = None if upload.file_id else uploads.store.blobs.append(upload.blob, upload.offset)
        offset, known = uploads.hashes.pop(upload.id, (-1, None))
        if known is not None and offset == upload.offset:
            self._hash: hashlib._Hash | None = known.copy()
        else:
            self._hash = hashlib.sha256() if upload.offset == 0 else None
        self._before = None if self._hash is None else self._hash.copy()
        self.upload = upload

    @property
    def position(self) -> int:
        return self.upload.offset if self._writer is None else self._writer.position

    def write(self, data: bytes) -> None:
        self._uploads.check_size(self.upload, self.position + len(data))
        if self._writer is None or not data:
            return
        with full_disk():
            self._writer.write(data)
        if self._hash is not None:
            self._hash.update(data)
        if self._checksum is not None:
            self._checksum.update(data)
        if (
            self._checkpoints
            and self.position - self.upload.offset >= CHECKPOINT
            and self.position != self.upload.length
        ):
            self._checkpoint(self._writer)

    def commit(self, shadows: Shadows, *, less: int = 0) -> Upload:
        """Keep what arrived, but for the last ``less`` bytes, and return the upload as it is now."""
        if self._checksum is not None and not self._checksum.matches:
            self.undo()
            raise ChecksumError("The piece does not have the checksum that came with it")
        if less and self._writer is not None:
            self._writer.truncate(max(self.upload.offset, self.position - less))
            self._hash = None
        with full_disk():
            return self._settle(shadows)

    def keep(self, shadows: Shadows) -> None:
        """Keep what arrived of a piece whose rest will not come, unless only the whole of it can be checked."""
        if self._checksum is not None:
            self.undo()
        else:
            with full_disk():
                self._settle(shadows)

    def undo(self) -> None:
        """Keep nothing of the piece that was not kept already."""
        if self._writer is not None:
            self._writer.truncate(self.upload.offset)
            self._writer.close()
        if self._before is not None:
            self._uploads.hashes[self.upload.id] = (self.upload.offset, self._before)

    def _settle(self, shadows: Shadows) -> Upload:
        writer = self._writer
        if writer is not None:
            writer.flush()
            writer.close()
            self.upload = replace(self.upload, offset=writer.position)
            if self._hash is not None:
                self._uploads.hashes[self.upload.id] = (writer.position, self._hash)
        return self._uploads.settle(self.upload, shadows)

    def _checkpoint(self, writer: BlobWriter) -> None:
        with full_disk():
            writer.flush()
            self.upload = replace(self.upload, offset=writer.position)
            self._before = None if self._hash is None else self._hash.copy()
            self._uploads.store.catalogue.save_upload(self.upload)
