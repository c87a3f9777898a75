"""Downloads of files, whole or in part (``Range``)."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from forebay.api.context import context_of
from forebay.api.problems import Occurrence, json_response, problem_body, problem_of
from forebay.kernel.errors import Disposition, PlatformError

_CHUNK_BYTES = 1_048_576
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class RangeNotSatisfiable(PlatformError):
    """A part of a file is asked for that lies outside of it."""

    code = "BATCH-1416"
    status = 416
    title = "Range not satisfiable"
    disposition = Disposition.REJECT


class Content(Protocol):
    """Bytes that can be read in parts."""

    @property
    def size(self) -> int:
        """How many there are."""

    def read(self, first: int, count: int) -> Iterator[bytes]:
        """Yield a part, piece by piece."""


class FileContent:
    """The bytes of a file that never changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size

    def read(self, first: int, count: int) -> Iterator[bytes]:
        """Yield a part, piece by piece."""
        with self._path.open("rb") as file:
            file.seek(first)
            while count > 0 and (piece := file.read(min(count, _CHUNK_BYTES))):
                count -= len(piece)
                yield piece


class TextContent:
    """Bytes in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size = len(content)

    def read(self, first: int, count: int) -> Iterator[bytes]:
        """Yield a part."""
        yield self._content[first : first + count]


def download(request: Request, content: Content, media_type: str) -> Response:
    """
    Return bytes, or the part of them that the request's ``Range`` names.

    A range in another unit, of several parts or that cannot be read is ignored, as HTTP has it.
    """
    match = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    headers = {"Accept-Ranges": "bytes"}
    part = _part(match[1], match[2], content.size) if match else range(content.size)
    if part is None:
        return _refusal(request, content.size)
    status = 200
    if match and (match[1] or match[2]):
        status = 206
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{content.size}"
    headers["Content-Length"] = str(len(part))
    body = iter(()) if request.method == "HEAD" else content.read(part.start, len(part))
    return StreamingResponse(body, status, headers, media_type)


def _part(first: str, last: str, size: int) -> range | None:
    """Return the part of a file that a range means; None if there is no such part."""
    if not first and not last:
        return range(size)
    if first:
        part = range(int(first), min(int(last) + 1, size) if last else size)
    else:
        part = range(max(size - int(last), 0), size)
    return part or None


def _refusal(request: Request, size: int) -> Response:
    asked = request.headers["range"][:100]
    error = RangeNotSatisfiable(f"Range is {asked}; the file has {size} bytes")
    occurrence = Occurrence(context_of(request).request_id, 0)
    return json_response(
        problem_body(request.url.path, problem_of(error), occurrence),
        status=error.status,
        headers={"Content-Range": f"bytes */{size}"},
    )
