"""The storage without HTTP: what callers cannot bring about at will."""

from __future__ import annotations

import errno
import hashlib
import importlib
import os
import sqlite3
import sys
from typing import TYPE_CHECKING

import pytest

from mock_server import MockServer
from mock_server.storage import checksum, writing
from mock_server.storage.errors import (
    ChecksumError,
    ClosedError,
    ConflictError,
    FullError,
    MissingError,
    PathError,
    QuotaError,
    TooLargeError,
    full_disk,
)
from mock_server.storage.file import StoredFile, Target
from mock_server.storage.paths import check_path
from mock_server.storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 1024 * 1024


@pytest.fixture
def store() -> Iterator[Store]:
    """A store in a temporary directory whose clock stands still."""
    store = Store(None, now=lambda: 1000.0)
    yield store
    store.close()


def test_the_same_calls_give_the_same_ids() -> None:
    stores = [Store(None, now=lambda: 0.0, seed=seed) for seed in (1, 1, 2)]
    first, second, other = ([store.put(f"/{n}", b"").id for n in range(3)] for store in stores)
    assert first == second
    assert not set(first) & set(other)
    for store in stores:
        store.close()


def test_text_that_utf8_cannot_spell() -> None:
    with pytest.raises(PathError, match="UTF-8"):
        check_path("/\ud800")


def test_a_blob_that_has_just_been_replaced(store: Store) -> None:
    file = store.put("/a", b"one")
    store.put("/a", b"two")
    now, reader = store.open(file)
    assert (now.id, reader.read(0, -1)) == (file.id, b"two")
    reader.close()
    store.delete(file.id)
    with pytest.raises(MissingError):
        store.open(file)


def test_a_closed_store_says_so(store: Store) -> None:
    store.put("/a", b"x")
    store.close()
    with pytest.raises(ClosedError):
        store.files()
    with pytest.raises(ClosedError), store.catalogue.transaction():
        pass


def test_a_transaction_happens_as_a_whole_or_not_at_all(store: Store) -> None:
    catalogue = store.catalogue
    with pytest.raises(ConflictError), catalogue.transaction():
        store.put("/a", b"x")
        with catalogue.transaction():
            catalogue.next_number("n")
        raise ConflictError
    assert store.files() == []
    assert catalogue.next_number("n") == 1


def test_a_transaction_that_the_database_has_undone_itself(store: Store) -> None:
    with pytest.raises(ConflictError), store.catalogue.transaction():
        store.put("/a", b"x")
        store.catalogue.connection.execute("ROLLBACK")
        raise ConflictError
    assert store.files() == []
    store.put("/a", b"x")


def test_a_file_that_is_not_there_cannot_be_deleted(store: Store) -> None:
    with pytest.raises(MissingError):
        store.delete("file_0")


def test_where_there_are_no_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    for _ in range(2):
        store = Store(str(tmp_path), now=lambda: 0.0)
        store.put("/a", b"x")
        store.close()


def test_a_full_database(store: Store) -> None:
    with pytest.raises(FullError), full_disk():
        store.catalogue.connection.execute("PRAGMA max_page_count=1")
        for number in range(10_000):
            store.catalogue.next_number(f"{number:0100}")
    with pytest.raises(sqlite3.OperationalError), full_disk():
        store.catalogue.connection.execute("no such statement")


@pytest.mark.parametrize("missing", ["copy", "support", "nothing"])
def test_concatenation_whatever_the_system_can_do(store: Store, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    def refuse(*_: int) -> int:
        raise OSError(errno.EXDEV, "not here")

    if missing == "copy":
        monkeypatch.delattr("os.copy_file_range", raising=False)
    elif missing == "support":
        monkeypatch.setattr("os.copy_file_range", refuse, raising=False)
    contents = [os.urandom(size) for size in (3 * MIB + 5, 0, 1)]
    for number, content in enumerate(contents):
        with_name = store.blobs.create(f"part-{number}")
        with_name.write(content)
        with_name.close()
    store.blobs.join("whole", [f"part-{number}" for number in range(3)])
    reader = store.blobs.read("whole")
    assert reader.read(0, -1) == b"".join(contents)
    reader.close()


def test_a_broken_disk_while_copying(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: int) -> int:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr("os.copy_file_range", fail, raising=False)
    writer = store.blobs.create("part")
    writer.write(b"x")
    writer.close()
    with pytest.raises(OSError, match="broken"):
        store.blobs.join("whole", ["part"])


def test_a_kernel_that_copies_nothing_is_helped_out(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: int) -> int:
        return 0

    monkeypatch.setattr("os.copy_file_range", nothing, raising=False)
    writer = store.blobs.create("part")
    writer.write(b"xyz")
    writer.close()
    store.blobs.join("whole", ["part"])
    assert store.blobs.digest("whole").hexdigest() == hashlib.sha256(b"xyz").hexdigest()


def test_what_was_kept_on_the_way_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "CHECKPOINT", 4)
    upload = store.uploads.create("me", 12, Target("/x"), shadows={})
    piece = store.uploads.write("me", upload.id, 0, size=10)
    for part in (b"abc", b"def", b"gh"):
        piece.write(part)
    assert store.uploads.find("me", upload.id).offset == 6
    piece.undo()
    rest = store.uploads.write("me", upload.id, 6, size=6)
    rest.write(b"ghijkl")
    assert rest.commit({}).file_id
    (file,) = store.files()
    assert (file.size, file.sha256) == (12, hashlib.sha256(b"abcdefghijkl").hexdigest())


def test_the_digest_of_an_upload_that_another_process_began(tmp_path: Path) -> None:
    directory = str(tmp_path)
    first = Store(directory, now=lambda: 0.0)
    upload = first.uploads.create("me", 6, Target("/x"), shadows={})
    piece = first.uploads.write("me", upload.id, 0)
    piece.write(b"abc")
    piece.commit({})
    first.close()
    second = Store(directory, now=lambda: 0.0)
    piece = second.uploads.write("me", upload.id, 3, checksum=checksum.Checksum("sha1", b"wrong"))
    piece.write(b"abc")
    with pytest.raises(ChecksumError):
        piece.commit({})
    piece = second.uploads.write("me", upload.id, 3)
    piece.write(b"def")
    assert piece.commit({}).file_id
    assert second.files()[0].sha256 == hashlib.sha256(b"abcdef").hexdigest()
    second.close()


def test_a_complete_upload_takes_no_more(store: Store) -> None:
    upload = store.uploads.create("me", 0, Target("/x"), shadows={})
    piece = store.uploads.write("me", upload.id, 0)
    with pytest.raises(TooLargeError):
        piece.write(b"x")
    piece.undo()
    again = store.uploads.write("me", upload.id, 0)
    again.write(b"")
    assert again.commit({}).file_id == upload.file_id


def test_a_part_that_is_terminated_while_it_is_joined(store: Store) -> None:
    part = store.uploads.create("me", 0, None, concat="partial", shadows={})
    store.blobs.remove(part.blob)
    with pytest.raises(ConflictError, match="terminated"):
        store.uploads.join("me", [part.id], Target("/x"), shadows={})
    assert store.blobs.names() == []


def test_without_the_library_there_is_no_crc32c(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "google_crc32c", None)
        assert set(importlib.reload(checksum).ALGORITHMS) == {"sha1", "sha256"}
    assert set(importlib.reload(checksum).ALGORITHMS) == {"sha1", "sha256", "crc32c"}


def test_a_quota_below_nothing() -> None:
    with pytest.raises(ValueError, match="storage_quota"):
        MockServer(storage_quota=-1)


def test_what_an_upload_hides_gives_no_room_back() -> None:
    store = Store(None, now=lambda: 0.0, quota=10)
    output = StoredFile("out_1", "/a", 1000, "text/plain", "", 0.0, 0.0, version="1")
    try:
        store.put("/b", b"x" * 8)
        staged = store.stage()
        staged.write(b"y" * 8)
        with pytest.raises(QuotaError):
            store.commit(staged, Target("/a", overwrite=True), {"/a": output})
        staged.discard()
    finally:
        store.close()
