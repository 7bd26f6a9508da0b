"""Names on both sides of a transfer: remote paths, and remote names that must not become local files.

Rule 1: a name that one system cannot hold, or would take for another name, is refused on all of them.
Rule 2: a message shows names only through ``safe_text``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any
from unicodedata import normalize

SHOWN = 80
LONGEST_SEGMENT = 255  # bytes in UTF-8, which are never fewer than the units of UTF-16 that Windows counts
LONGEST_REMOTE = 1024
LONGEST_LOCAL = 4096
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_DRIVE = re.compile(r"[A-Za-z]:")
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_DEVICE = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[1-9¹²³]) *(?:\..*)?", re.IGNORECASE)
_INVISIBLE = re.compile(  # default-ignorable code points, which some file systems skip when they compare names
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


@dataclass(frozen=True, slots=True)
class Refused:
    """A remote name that must not become a local file, and why: the rest of a sentence about it."""

    name: str
    reason: str


def is_path(text: str) -> bool:
    """Tell a remote path, which starts with ``/``, from an id; raise ``TypeError`` for anything but text."""
    return _text(text, "remote_path").startswith("/")


def remote_path(text: str, name: str = "remote_path") -> str:
    """Return a remote path of the user as it is.

    Raises ``TypeError`` for anything but text and ``ValueError``, which begins with ``name``, for what is no path of a
    file: not from the root, empty or dot segments, a trailing slash, control characters, lone surrogates, more than
    1024 bytes or a segment of more than 255.
    """
    fault = _fault(_text(text, name))
    if fault is None and text.endswith("/"):
        fault = "ends with '/', which names a folder; add the name of the file"
    if fault is not None:
        raise ValueError(f"{name} {fault}: '{safe_text(text)}'")
    return text


def remote_folder(text: str, name: str = "remote_dir") -> str:
    """Return a remote folder of the user without its trailing slash, the root as ``/``; errors as of ``remote_path``."""
    fault = _fault(_text(text, name))
    if fault is not None:
        raise ValueError(f"{name} {fault}: '{safe_text(text)}'")
    return text.rstrip("/") or "/"


def unfit(relative: str) -> str | None:
    """Return why a local file's relative path cannot be part of a remote path, ``None`` if it can."""
    return _fault(f"/{relative}")


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} takes text, not {type(value).__name__}")
    return value


def _fault(path: str) -> str | None:
    if not path.startswith("/"):
        return "must begin with '/', as in '/data/file.csv'"
    if _SURROGATE.search(path):
        return "is not valid Unicode; rename it"
    if _CONTROL.search(path):
        return "contains a control character; write it without"
    if "//" in path:
        return "has an empty segment; write one '/' between two names"
    segments = path[1:].removesuffix("/").split("/")
    if "." in segments or ".." in segments:
        return "has a '.' or '..' segment; write the path that is meant"
    if any(_size(segment) > LONGEST_SEGMENT for segment in segments):
        return f"has a segment of more than {LONGEST_SEGMENT} bytes; shorten it"
    if _size(path) > LONGEST_REMOTE:
        return f"has more than {LONGEST_REMOTE} bytes; shorten it"
    return None


def _size(text: str) -> int:
    return len(text.encode("utf-8"))


def below(folder: str, relative: str) -> str:
    """Return the remote path of ``relative`` below ``folder``."""
    return f"{folder.rstrip('/')}/{relative}"


def relative_to(path: str, folder: str) -> str | None:
    """Return the part of ``path`` below ``folder``, unchecked; ``None`` if it is not below."""
    start = f"{folder.rstrip('/')}/"
    return path[len(start) :] if path.startswith(start) and path != start else None


def refusals(names: Iterable[str], *, folder_clash: bool = True) -> list[Refused]:
    """Return the relative remote names that must not become local files, each once with one reason.

    Names that clash are refused all of them, for none is known to be the one that is meant.  ``folder_clash``: whether
    folders that differ only in case or Unicode form clash too, or may become one.
    """
    reasons = {name: _unsafe(name) for name in names}
    sound = {name: _key(name) for name, reason in reasons.items() if reason is None}
    files: dict[str, list[str]] = {}
    folders: dict[str, list[str]] = {}
    for name, key in sound.items():
        _note(files, key, name)
        for folder, folder_key in zip(_folders(name), _folders(key), strict=True):
            _note(folders, folder_key, folder)
    for name, key in sound.items():
        reasons[name] = _clash(name, key, files, folders, folder_clash=folder_clash)
    return [Refused(name, reason) for name, reason in reasons.items() if reason is not None]


def _unsafe(name: str) -> str | None:
    if not name:
        return "is empty"
    if _SURROGATE.search(name):
        return "is not valid Unicode"
    if _CONTROL.search(name):
        return "contains a control character"
    if "\\" in name:
        return "contains a backslash, which leads to another folder or computer on Windows"
    if name.startswith("/"):
        return "is an absolute path"
    if _DRIVE.match(name):
        return "begins with a drive"
    if _size(name) > LONGEST_LOCAL:
        return f"has more than {LONGEST_LOCAL} bytes"
    return next((reason for segment in name.split("/") if (reason := _unsafe_segment(segment))), None)


def _unsafe_segment(segment: str) -> str | None:
    if not segment:
        return "has an empty segment"
    if segment in (".", ".."):
        return f"has the segment '{segment}', which leads elsewhere"
    if segment[-1] in ". ":
        return "has a segment that ends with a dot or a space, which Windows drops"
    if found := _FORBIDDEN.search(segment):
        return f"contains {found[0]}, which Windows allows in no name"
    if _DEVICE.fullmatch(segment):
        return f"has the segment '{safe_text(segment)}', which is a device on Windows"
    if _size(segment) > LONGEST_SEGMENT:
        return f"has a segment of more than {LONGEST_SEGMENT} bytes"
    return None


def _key(name: str) -> str:
    """Return what is equal for names that some file system takes for the same (Unicode, D145; NTFS compares capitals)."""
    if name.isascii():
        return name.lower()
    return normalize("NFC", _INVISIBLE.sub("", normalize("NFD", name)).upper().casefold())


def _folders(name: str) -> Iterator[str]:
    return accumulate(name.split("/")[:-1], "{}/{}".format)


def _note(spellings: dict[str, list[str]], key: str, spelling: str) -> None:
    """Remember two spellings of a key, enough to name another one for each."""
    known = spellings.setdefault(key, [])
    if len(known) < 2 and spelling not in known:
        known.append(spelling)


def _clash(
    name: str, key: str, files: dict[str, list[str]], folders: dict[str, list[str]], *, folder_clash: bool
) -> str | None:
    if key in folders:
        return f"is a file where other names need the folder '{safe_text(folders[key][0])}'"
    if other := _other(name, files[key]):
        return f"differs from '{safe_text(other)}' only in case or Unicode form: one would overwrite the other"
    if folder_clash:
        for folder, folder_key in zip(_folders(name), _folders(key), strict=True):
            if other := _other(folder, folders[folder_key]):
                return f"is in a folder that differs from '{safe_text(other)}' only in case or Unicode form"
    return None


def _other(spelling: str, spellings: list[str]) -> str | None:
    return next((other for other in spellings if other != spelling), None)


def safe_text(name: str) -> str:
    """Return a name for a message: at most 80 characters, what a terminal does not print as an escape."""
    text = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in name[: SHOWN + 1])
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
