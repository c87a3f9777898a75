"""What is not HTTP gets an answer all the same."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.platform import Platform, running_platform


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder: Path = tmp_path_factory.mktemp("data")
    with running_platform(folder) as platform:
        yield platform


@pytest.mark.parametrize(
    "request_bytes",
    [b"GARBAGE\r\n\r\n", b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: abc\r\n\r\n"],
)
def test_what_cannot_be_parsed_is_refused_in_the_gateways_words(
    platform: Platform, request_bytes: bytes
) -> None:
    port = int(platform.url.rpartition(":")[2])

    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request_bytes)
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/json" in head
    assert re.search(rb"x-request-id: [0-9a-f]{32}", head)
    assert body == b'{"error_code":"400000","message":"Invalid HTTP request received."}'
