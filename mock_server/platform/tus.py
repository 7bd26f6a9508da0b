"""The headers of tus 1.0.0, checked and taken apart."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mock_server.errors import ApiError, invalid_field
from mock_server.platform.form import MAX_MEDIA, MEDIA
from mock_server.routes import HeaderParameter
from mock_server.storage.checksum import ALGORITHMS, Checksum
from mock_server.storage.file import Target
from mock_server.storage.paths import check_path
from mock_server.storage.store import MAX_SIZE
from mock_server.wire import http_date

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_server.storage.upload import Upload

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-defer-length,checksum,expiration,termination,concatenation"
UPLOADS = "/v1/storage/uploads"
MAX_PARTS = 1000

_OWN_KEYS = frozenset({"path", "overwrite", "content_type", "sha256"})
_COUNT = {"type": "string", "pattern": "^[0-9]{1,15}$"}

RESUMABLE = HeaderParameter(
    "Tus-Resumable", "The version of the protocol.", {"type": "string", "const": VERSION}, required=True
)
LENGTH = HeaderParameter("Upload-Length", "Bytes of the whole upload.", _COUNT)
DEFER = HeaderParameter("Upload-Defer-Length", "The length comes later.", {"type": "string", "const": "1"})
METADATA = HeaderParameter("Upload-Metadata", "Keys and base64 values: path, overwrite, content_type, sha256, others.")
CONCAT = HeaderParameter("Upload-Concat", "`partial`, or `final;` and the URLs of the parts.")
OFFSET = HeaderParameter("Upload-Offset", "Where the bytes of this request belong.", _COUNT, required=True)
CHECKSUM = HeaderParameter("Upload-Checksum", f"One of {', '.join(ALGORITHMS)}, and the digest in base64.")


def check_version(headers: Mapping[str, str]) -> None:
    """Raise a 412 unless the caller speaks our version."""
    if headers.get("tus-resumable") != VERSION:
        raise ApiError(412, f"Tus-Resumable must be {VERSION}", headers={"Tus-Version": VERSION})


def read_count(headers: Mapping[str, str], name: str) -> int | None:
    """Return the number of bytes in a header, ``None`` without it."""
    text = headers.get(name.lower())
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise invalid_field(name, "Must be a number of bytes")
    return int(text)


def read_length(headers: Mapping[str, str]) -> int | None:
    """Return the length of a new upload, ``None`` if it comes later."""
    length, deferred = read_count(headers, "Upload-Length"), headers.get("upload-defer-length")
    if deferred not in (None, "1"):
        raise invalid_field("Upload-Defer-Length", "Must be 1")
    if (length is None) == (deferred is None):
        raise invalid_field("Upload-Length", "Give either Upload-Length or Upload-Defer-Length: 1", "required")
    return length


def read_target(metadata: str) -> Target:
    """Return what ``Upload-Metadata`` says about the file to be."""
    values = read_metadata(metadata)
    overwrite = values.get("overwrite", "false")
    if overwrite not in ("true", "false"):
        raise _bad_metadata("overwrite must be 'true' or 'false'")
    kind = values.get("content_type") or None
    if kind is not None and (len(kind) > MAX_MEDIA or not MEDIA.fullmatch(kind)):
        raise _bad_metadata("content_type must be one")
    sha256 = values.get("sha256")
    if sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise _bad_metadata("sha256 must be 64 hexadecimal digits")
    if "path" not in values:
        raise invalid_field("path", "Upload-Metadata must have a path", "required")
    return Target(
        check_path(values["path"]),
        overwrite == "true",
        kind,
        None if sha256 is None else sha256.lower(),
        {key: value for key, value in values.items() if key not in _OWN_KEYS},
    )


def read_metadata(text: str) -> dict[str, str]:
    """Return the pairs of an ``Upload-Metadata`` header."""
    values: dict[str, str] = {}
    for pair in text.split(",") if text.strip() else ():
        key, _, value = pair.strip().partition(" ")
        if not key or key in values:
            raise _bad_metadata("each key must be there once")
        try:
            values[key] = _decode(value).decode()
        except ValueError:
            raise _bad_metadata(f"the value of {key} must be UTF-8 in base64") from None
    return values


def read_checksum(headers: Mapping[str, str]) -> Checksum | None:
    """Return the checksum that the bytes of a request must have."""
    text = headers.get("upload-checksum")
    if text is None:
        return None
    algorithm, _, digest = text.partition(" ")
    if algorithm not in ALGORITHMS:
        raise invalid_field("Upload-Checksum", f"The algorithm must be one of {', '.join(ALGORITHMS)}")
    try:
        return Checksum(algorithm, _decode(digest))
    except ValueError:
        raise invalid_field("Upload-Checksum", "The digest must be base64") from None


def read_parts(concat: str) -> list[str]:
    """Return the ids of the uploads that ``final;URL URL`` names."""
    ids: list[str] = []
    for url in concat.removeprefix("final;").split():
        found = re.search(rf"{UPLOADS}/([^/]+)/?$", urlsplit(url).path)
        if found is None:
            raise invalid_field("Upload-Concat", f"{url[:100]!r} is not an upload")
        ids.append(found[1])
    if not 1 <= len(ids) <= MAX_PARTS:
        raise invalid_field("Upload-Concat", f"Must name 1 to {MAX_PARTS} uploads")
    return ids


def describe_server(quota: int | None) -> dict[str, str]:
    """Return the headers that say what the server can do."""
    return {
        "Tus-Resumable": VERSION,
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(MAX_SIZE if quota is None else min(quota, MAX_SIZE)),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }


def describe_upload(upload: Upload) -> dict[str, str]:
    """Return the headers that say where an upload is."""
    headers = {
        "Tus-Resumable": VERSION,
        "Upload-Offset": str(upload.offset),
        "Upload-Expires": http_date(upload.expires_at),
    }
    if upload.file_id is not None:
        headers["X-File-Id"] = upload.file_id
    if upload.etag is not None:
        headers["ETag"] = upload.etag
    return headers


def _decode(text: str) -> bytes:
    """Decode base64; text that is not even ASCII is none."""
    try:
        return b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("not base64") from None


def _bad_metadata(reason: str) -> ApiError:
    return invalid_field("Upload-Metadata", f"Is not valid: {reason}")
