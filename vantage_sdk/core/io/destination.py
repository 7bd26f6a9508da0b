"""Where one downloaded file is to be: beside it the partial file, which takes its place in one step."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from contextlib import suppress
from typing import Self

from vantage_sdk.core.io.folder import Folder, is_link, kind, sync
from vantage_sdk.core.transfer.paths import refusals, safe_text

LONGEST = 255
_PARTIAL = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{16}\.part", re.DOTALL)
_AROUND = len("..0123456789abcdef.part")


class TakenOverError(FileNotFoundError):
    """Another process has adopted the partial file."""

    def __init__(self, name: str) -> None:
        super().__init__(errno.ENOENT, "another process took the partial file over", name)


class Destination:
    """The place of one file, in a folder that is held open.

    Of the partial files that it opens it closes those that nobody committed or discarded, and leaves them on the disk
    for a later process to adopt.
    """

    def __init__(self, folder: Folder, name: str) -> None:
        self.path = os.path.join(folder.path, name)
        self._folder = folder
        self._name = name
        self._open: set[int] = set()

    @classmethod
    def at(cls, path: str | os.PathLike[str]) -> Destination:
        """Hold a path that the user chose; links on the way there are the user's own.

        Raises ``FileNotFoundError`` if its folder is missing, ``IsADirectoryError`` if a folder is there, ``OSError``
        if it is a device or the like.
        """
        text = os.fspath(path)
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"the local path takes text or a Path, not {type(text).__name__}")
        parent, name = os.path.split(text)
        if name in ("", ".", "..") or os.path.isdir(text):
            raise IsADirectoryError(errno.EISDIR, "this is a folder; add the name that the file shall have", text)
        if os.path.exists(text) and not os.path.isfile(text):  # also where a link leads, as /dev/stdout does
            raise OSError(errno.EINVAL, f"{kind(os.stat(text))} is there, which a download does not replace", text)
        return cls._checked(Folder.at(parent or os.curdir), name)

    @classmethod
    def below(cls, root: str | os.PathLike[str], relative: str) -> Destination:
        """Hold a place below a folder of the user, under a name that others chose; make the folders that are missing.

        Raises ``ValueError`` for a name that must not become a file, ``OSError`` for a link or a file where a folder
        is needed below ``root``.
        """
        for refused in refusals([relative]):
            raise ValueError(f"the remote name '{safe_text(relative)}' {refused.reason}")
        *folders, name = relative.split("/")
        os.makedirs(root, exist_ok=True)
        folder = Folder.at(os.fspath(root))
        for part in folders:
            try:
                inner = folder.below(part)
            finally:
                folder.close()
            folder = inner
        return cls._checked(folder, name)

    @classmethod
    def left_at(cls, path: str) -> Destination:
        """Hold a path for what an earlier process left beside it, whatever is at the path itself by now."""
        parent, name = os.path.split(path)
        return cls(Folder.at(parent or os.curdir), name)

    @classmethod
    def _checked(cls, folder: Folder, name: str) -> Destination:
        destination = cls(folder, name)
        try:
            found = destination.existing()
            if found is not None and not is_link(found) and not stat.S_ISREG(found.st_mode):
                wrong = IsADirectoryError if stat.S_ISDIR(found.st_mode) else OSError
                code = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL
                raise wrong(code, f"{kind(found)} is there, which a download does not replace", destination.path)
        except BaseException:
            destination.close()
            raise
        return destination

    def free(self) -> int:
        """Return the bytes that may still be written there."""
        return self._folder.free()

    def existing(self) -> os.stat_result | None:
        """Return what is there now, a link as itself."""
        return self._folder.stat(self._name)

    def partial_name(self) -> str:
        """Return a new name for a partial file: hidden, unique, of at most 255 bytes."""
        return f".{self._cut()}.{os.urandom(8).hex()}.part"

    def _is_partial(self, name: str) -> bool:
        match = _PARTIAL.fullmatch(name)
        return match is not None and match["name"] == self._cut()

    def _cut(self) -> str:
        cut = self._name
        while len(os.fsencode(cut)) > LONGEST - _AROUND:
            cut = cut[:-1]
        return cut

    def create(self, name: str) -> int:
        """Make a partial file that only its owner may read, and return it open to read and write.

        Raises ``TakenOverError`` if a process that knew the name was faster to claim it.
        """
        fd = self._kept(self._folder.create(name))
        if not _claimed(fd) or (Folder.RENAMES_OPEN_FILES and not self._folder.holds(name, fd)):
            self._release(fd)
            raise TakenOverError(name)
        return fd

    def adopt(self, old_name: str, new_name: str) -> int | None:
        """Take over a partial file of this place that an earlier process left; ``None`` if it is not to be had.

        Of several processes one gets it.  A link, a file of someone else, one with a second name and one that a living
        process writes to (where the file system has locks) stay where they are.
        """
        if not self._is_partial(old_name):
            return None
        fd = self._folder.open(old_name)
        if fd is None:
            return None
        self._kept(fd)
        if _claimed(fd) and (taken := self._renamed(old_name, new_name, fd)) is not None:
            return taken
        self._release(fd)
        return None

    def clear(self, name: str) -> bool:
        """Remove a partial file of this place that no living process uses; tell whether there is none under its name."""
        if not self._is_partial(name):
            return True
        fresh = self.partial_name()
        fd = self.adopt(name, fresh)
        if fd is not None:
            self.discard(fresh, fd)
        return self._folder.stat(name) is None

    def _renamed(self, old_name: str, new_name: str, fd: int) -> int | None:
        if not Folder.RENAMES_OPEN_FILES:
            self._release(fd)
        try:
            self._folder.replace(old_name, new_name)
        except (FileNotFoundError, PermissionError):  # another process was faster, or on Windows has it open
            return None
        if Folder.RENAMES_OPEN_FILES:
            return fd if self._folder.holds(new_name, fd) else None
        again = self._folder.open(new_name)
        return None if again is None else self._kept(again)

    def commit(self, name: str, fd: int) -> None:
        """Put a partial file in its place, on the disk and with the mode of the file it replaces; close it in any case.

        A link there is replaced, not followed.  Raises ``TakenOverError`` if another process has the file by now.
        """
        try:
            self.settle(fd)
        except BaseException:
            self._release(fd)
            raise
        self.place(name, fd)
        self.sync()

    def settle(self, fd: int) -> None:
        """Give a partial file its mode, and wait until the disk has it."""
        if sys.platform != "win32":
            with suppress(PermissionError):  # a file system without modes
                os.fchmod(fd, self._mode())
        sync(fd)

    def place(self, name: str, fd: int) -> None:
        """Close a partial file and put it in its place; raise ``TakenOverError`` if another process has it by now."""
        try:
            if Folder.RENAMES_OPEN_FILES and not self._folder.holds(name, fd):
                raise TakenOverError(name)
        finally:
            self._release(fd)
        self._folder.replace(name, self._name)

    def sync(self) -> None:
        """Wait until the disk has the name."""
        self._folder.sync()

    def _mode(self) -> int:
        """Return the mode of the file there now, else what a new file gets: the umask itself is not ours to touch."""
        found = self.existing()
        if found is not None and not is_link(found):
            return found.st_mode & 0o777
        probe = self.partial_name()
        fd = self._folder.create(probe, 0o666)
        try:
            return os.fstat(fd).st_mode & 0o777
        finally:
            os.close(fd)
            self._folder.remove(probe)

    def discard(self, name: str, fd: int) -> None:
        """Close and remove a partial file; it may be closed and gone."""
        self._release(fd)
        self._folder.remove(name)

    def _kept(self, fd: int) -> int:
        self._open.add(fd)
        return fd

    def _release(self, fd: int) -> None:
        if fd in self._open:
            self._open.remove(fd)
            os.close(fd)

    def close(self) -> None:
        """Close the folder and what is still open in it."""
        while self._open:
            os.close(self._open.pop())
        self._folder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _claimed(fd: int) -> bool:
    """Lock a file for as long as it is open; ``False`` only if it is certain that another process has it open.

    Nothing depends on it: where a file system has no locks, names that nobody else knows keep processes apart.
    """
    try:
        import fcntl
    except ImportError:  # Windows, where no open file can be taken away
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
