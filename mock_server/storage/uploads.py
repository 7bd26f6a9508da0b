"""Uploads that can be resumed: the rules of tus 1.0.0, without its headers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

from mock_server.storage.errors import (
    ChecksumError,
    ConflictError,
    ExpiredError,
    FinalError,
    MissingError,
    PathError,
    TooLargeError,
    full_disk,
)
from mock_server.storage.upload import Upload
from mock_server.storage.writing import Writing

if TYPE_CHECKING:
    import hashlib
    from collections.abc import Sequence

    from mock_server.storage.checksum import Checksum
    from mock_server.storage.file import Target
    from mock_server.storage.store import Shadows, Store

LIFETIME = 24 * 3600.0
MEMORY = 7 * LIFETIME  # how long an expired upload is known to have been there


class Uploads:
    """All uploads of a store; each belongs to who began it, and exists for nobody else."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.hashes: dict[str, tuple[int, hashlib._Hash]] = {}
        """By upload, the SHA-256 of the bytes up to an offset, so that completion need not read them again."""

    def create(
        self,
        owner: str,
        length: int | None,
        target: Target | None,
        *,
        metadata: str = "",
        concat: str = "",
        shadows: Shadows,
    ) -> Upload:
        """Begin an upload; without ``target`` it is a part of another one.  One of length 0 is complete at once."""
        with full_disk():
            self.sweep()
            with self.store.catalogue.transaction():
                if target is None:
                    self.store.check_size(length or 0)
                else:
                    self.store.admit(target, length, shadows)
                upload = self._begin(owner, length, target, metadata, concat)
            return self.settle(upload, shadows) if upload.arrived else upload

    def join(
        self,
        owner: str,
        parts: Sequence[str],
        target: Target,
        *,
        metadata: str = "",
        concat: str = "",
        shadows: Shadows,
    ) -> Upload:
        """Make a file of finished parts."""
        with full_disk():
            self.sweep()
            pieces = [self._part(owner, part) for part in parts]
            length = sum(piece.offset for piece in pieces)
            self.store.admit(target, length, shadows)
            blob = uuid4().hex
            try:
                self.store.blobs.join(blob, [piece.blob for piece in pieces])
                upload = Upload(
                    id=self.store.new_id("upload"),
                    owner=owner,
                    blob=blob,
                    length=length,
                    offset=length,
                    expires_at=self.store.now() + LIFETIME,
                    target=target,
                    metadata=metadata,
                    concat=concat,
                    parts=tuple(parts),
                )
                return self._complete(upload, target, shadows)
            except FileNotFoundError:
                self.store.blobs.remove(blob)
                raise ConflictError("A part was terminated meanwhile") from None
            except BaseException:
                self.store.blobs.remove(blob)
                raise

    def find(self, owner: str, upload_id: str) -> Upload:
        """Return the upload of this caller, or raise ``MissingError`` or ``ExpiredError``."""
        upload = self.store.catalogue.upload(upload_id)
        if upload is None or upload.owner != owner:
            raise MissingError("upload", upload_id)
        if upload.gone or upload.expires_at <= self.store.now():
            self._expire(upload)
            raise ExpiredError(f"Upload {upload_id!r} has expired")
        return upload

    def write(
        self,
        owner: str,
        upload_id: str,
        offset: int,
        *,
        length: int | None = None,
        size: int | None = None,
        checksum: Checksum | None = None,
    ) -> Writing:
        """Begin to append at ``offset``; ``length`` is that of all, ``size`` that of this piece, if known."""
        upload = self.find(owner, upload_id)
        if upload.final:
            raise FinalError("A concatenation takes no bytes")
        if offset != upload.offset:
            raise ConflictError(f"The upload is at {upload.offset}, not at {offset}")
        if length is not None and length != upload.length:
            if upload.length is not None:
                raise PathError("The length is known already", "Upload-Length")
            if length < offset:
                raise PathError("Must not be below the offset", "Upload-Length")
            upload = replace(upload, length=length)
        self._check_length(upload, offset + (size or 0))
        return Writing(self, upload, checksum, size)

    def terminate(self, owner: str, upload_id: str) -> None:
        """Forget an upload; a file that came of it stays."""
        upload = self.find(owner, upload_id)
        self.store.catalogue.remove_upload(upload_id)
        self._drop_blob(upload)

    def sweep(self) -> None:
        """Free the space of expired uploads."""
        for upload in self.store.catalogue.uploads_expired(self.store.now()):
            self._expire(upload)

    def settle(self, upload: Upload, shadows: Shadows) -> Upload:
        """Keep where an upload is, and make a file of it once every byte is there."""
        upload = replace(upload, expires_at=self.store.now() + LIFETIME)
        target = None if not upload.arrived or upload.file_id is not None else upload.target
        if target is None:
            self.store.catalogue.save_upload(upload)
            return upload
        try:
            return self._complete(upload, target, shadows)
        except BaseException:
            self.store.catalogue.save_upload(upload)  # the bytes stay, so that only the last step is to be repeated
            raise

    def check_size(self, upload: Upload, size: int) -> None:
        """Raise if ``size`` bytes are more than the upload or the store may have."""
        self._check_length(upload, size)
        if upload.length is None:
            self.store.check_size(size)

    def _check_length(self, upload: Upload, size: int) -> None:
        if upload.length is not None and size > upload.length:
            raise TooLargeError(f"The upload has {upload.length} bytes, not {size}")

    def _begin(self, owner: str, length: int | None, target: Target | None, metadata: str, concat: str) -> Upload:
        upload = Upload(
            id=self.store.new_id("upload"),
            owner=owner,
            blob=uuid4().hex,
            length=length,
            offset=0,
            expires_at=self.store.now() + LIFETIME,
            target=target,
            metadata=metadata,
            concat=concat,
        )
        self.store.blobs.create(upload.blob).close()
        self.store.catalogue.save_upload(upload)
        return upload

    def _complete(self, upload: Upload, target: Target, shadows: Shadows) -> Upload:
        offset, known = self.hashes.get(upload.id, (-1, None))
        digest = known if known is not None and offset == upload.offset else self.store.blobs.digest(upload.blob)
        sha256 = digest.hexdigest()
        if target.sha256 not in (None, sha256):
            raise ChecksumError(f"The bytes have the SHA-256 {sha256}, not {target.sha256}")
        with self.store.catalogue.transaction():
            self.store.admit(target, upload.offset, shadows)
            file, replaced = self.store.place(target, upload.offset, sha256, upload.blob, shadows)
            upload = replace(upload, blob="", file_id=file.id, etag=file.etag)
            self.store.catalogue.save_upload(upload)
        self.hashes.pop(upload.id, None)
        self.store.blobs.remove(replaced)
        return upload

    def _part(self, owner: str, part: str) -> Upload:
        try:
            upload = self.find(owner, part)
        except (MissingError, ExpiredError):
            raise PathError(f"There is no upload {part!r}", "Upload-Concat") from None
        if not upload.partial:
            raise PathError(f"Upload {part!r} is not a partial one", "Upload-Concat")
        if not upload.arrived:
            raise ConflictError(f"Upload {part!r} is not finished")
        return upload

    def _expire(self, upload: Upload) -> None:
        if upload.expires_at + MEMORY <= self.store.now():
            self.store.catalogue.remove_upload(upload.id)
        elif not upload.gone:
            self.store.catalogue.save_upload(replace(upload, gone=True, blob=""))
        self._drop_blob(upload)

    def _drop_blob(self, upload: Upload) -> None:
        self.hashes.pop(upload.id, None)
        self.store.blobs.remove(upload.blob)
