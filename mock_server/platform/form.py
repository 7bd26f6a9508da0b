"""The form that uploads a file, read as it comes, in whatever order its parts are."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from mock_server.bodies import StreamBody
from mock_server.errors import ApiError, Fault, invalid, invalid_field
from mock_server.incoming import in_thread
from mock_server.storage.file import Target
from mock_server.storage.paths import MAX_PATH, check_path

if TYPE_CHECKING:
    from mock_server.incoming import Incoming
    from mock_server.state import ServerState
    from mock_server.storage.staged import Staged
    from mock_server.storage.store import Store

MAX_FIELD = 4 * MAX_PATH
MEDIA = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*;[\t -~]*)?", re.ASCII)
MAX_MEDIA = 255


@dataclass(slots=True)
class Part:
    """One part of a form; ``name`` is empty until its headers are read."""

    name: str = ""
    headers: dict[str, bytes] = field(default_factory=dict[str, bytes])
    content: bytearray = field(default_factory=bytearray)


class FileForm(StreamBody):
    """The parts ``file``, ``path`` and ``overwrite``."""

    media: ClassVar[str] = "multipart/form-data"
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "required": ["file", "path"],
        "properties": {
            "file": {"type": "string", "format": "binary", "description": "The bytes."},
            "path": {
                "type": "string",
                "pattern": "^(/[^/\\x00-\\x1f\\x7f-\\x9f]+)+$",
                "maxLength": MAX_PATH,
                "description": "Where to: no segment of more than 255 bytes, none that is '.' or '..'.",
            },
            "overwrite": {"enum": ["true", "false"], "default": "false", "description": "Replace a file there."},
        },
        "additionalProperties": False,
    }

    def __init__(self, staged: Staged, target: Target) -> None:
        self.staged = staged
        self.target = target

    @classmethod
    async def take(cls, incoming: Incoming, state: ServerState) -> Self:
        """Read the form; the file goes to the disk as it comes."""
        _, options = parse_options_header(incoming.request.headers["content-type"])
        store = state.storage
        reader = FormReader(store, options.get(b"boundary", b""))
        try:
            async for piece in incoming.pieces():
                await in_thread(reader.feed, piece)
            return cls(*reader.finish())
        except BaseException:
            await in_thread(reader.discard)
            raise

    @property
    def fingerprint(self) -> bytes:
        target, staged = self.target, self.staged
        same = [target.path, target.overwrite, target.media_type, staged.size, staged.sha256]
        return json.dumps(same).encode()

    async def discard(self) -> None:
        await in_thread(self.staged.discard)


class FormReader:
    """Takes the bytes of a form and gives those of its file to the store."""

    def __init__(self, store: Store, boundary: bytes) -> None:
        self.staged: Staged | None = None
        self._store = store
        self._part = Part()
        self._parts: dict[str, Part] = {}
        self._header = bytearray()
        self._value = bytearray()
        self._ended = False
        callbacks: Any = {
            "on_part_begin": self._begin,
            "on_header_field": self._name_header,
            "on_header_value": self._fill_header,
            "on_header_end": self._end_header,
            "on_headers_finished": self._open,
            "on_part_data": self._take,
            "on_end": self._end,
        }
        if not boundary:
            raise _malformed("its boundary is not said")
        try:
            self._parser = MultipartParser(boundary, callbacks)
        except FormParserError as error:
            raise _malformed(error) from None

    def feed(self, data: bytes) -> None:
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _malformed(error) from None

    def finish(self) -> tuple[Staged, Target]:
        """Return the file and what the form says about it, or raise what is wrong with it."""
        if not self._ended:
            raise _malformed("it has no end")
        missing = [name for name in ("file", "path") if name not in self._parts]
        if missing or self.staged is None:
            raise invalid([Fault(name, "required", "Is missing") for name in missing])
        overwrite = self._text("overwrite") if "overwrite" in self._parts else "false"
        if overwrite not in ("true", "false"):
            raise invalid_field("overwrite", "Must be 'true' or 'false'", "invalid_type")
        path = check_path(self._text("path"))
        return self.staged, Target(path, overwrite == "true", self._content_type())

    def discard(self) -> None:
        if self.staged is not None:
            self.staged.discard()

    def _content_type(self) -> str | None:
        given = self._parts["file"].headers.get("content-type")
        if given is None:
            return None
        text = given.decode("latin-1").strip()
        if len(text) > MAX_MEDIA or not MEDIA.fullmatch(text):
            raise invalid_field("file", "Must have a Content-Type that is one")
        return text

    def _text(self, name: str) -> str:
        try:
            return self._parts[name].content.decode()
        except UnicodeDecodeError:
            raise invalid_field(name, "Must be valid UTF-8") from None

    def _begin(self) -> None:
        self._part = Part()

    def _name_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _fill_header(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._part.headers[self._header.decode("latin-1").lower()] = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _open(self) -> None:
        part = self._part
        kind, options = parse_options_header(part.headers.get("content-disposition"))
        part.name = options.get(b"name", b"").decode("utf-8", "replace")
        if kind != b"form-data" or not part.name:
            raise _malformed("a part has no name")
        if part.name not in ("file", "path", "overwrite"):
            raise invalid_field(part.name, "Unknown field", "unknown_field")
        if part.name in self._parts:
            raise invalid_field(part.name, "Must be given only once", "repeated")
        self._parts[part.name] = part
        if part.name == "file":
            self.staged = self._store.stage()

    def _take(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        if part.name == "file" and self.staged is not None:
            self.staged.write(data[start:end])
            return
        part.content += data[start:end]
        if len(part.content) > MAX_FIELD:
            raise invalid_field(part.name, f"Must not be longer than {MAX_FIELD} bytes")

    def _end(self) -> None:
        self._ended = True


def _malformed(reason: object) -> ApiError:
    return ApiError(400, f"The form is not valid: {reason}", details={"field": "", "code": "malformed_form"})
