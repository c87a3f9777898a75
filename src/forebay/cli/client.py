"""The platform API as the commands use it: found by data directory, spoken to over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import click
import httpx2

from forebay.app import credentials, settings
from forebay.app.data_directory import DataDirectory
from forebay.kernel import json

_TIMEOUT_SECONDS = 30.0


class Refused(click.ClickException):
    """A call that the server answered with an error."""

    def __init__(self, method: str, url: str, answer: httpx2.Response) -> None:
        self.status = answer.status_code
        self.reason = _reason(answer)
        """The server's own sentence about what was wrong."""
        super().__init__(f"{method} {url} answered {self.status}: {self.reason}")


class Platform:
    """One organization and sandbox of a running server."""

    def __init__(
        self,
        http: httpx2.Client,
        members: dict[str, Any],
        *,
        sandbox: str | None = None,
        library: Path | None = None,
    ) -> None:
        self._http = http
        self._members = members
        self._sandbox = sandbox or members["sandbox"]
        self._token: str | None = None
        self.library = library
        """File of the imported XDM library that stands over the packaged one, if there is one."""

    @classmethod
    @contextmanager
    def of(
        cls, data: Path | None, *, org_id: str | None = None, sandbox: str | None = None
    ) -> Iterator[Self]:
        """Open the server whose data directory this is."""
        chosen = settings.recall(settings.load(data=data))
        directory = DataDirectory(chosen.data)
        directory.require()
        found = credentials.get(directory.credentials, org_id)
        with httpx2.Client(timeout=_TIMEOUT_SECONDS) as http:
            members = credentials.shape(found, chosen)
            yield cls(http, members, sandbox=sandbox, library=directory.library)

    @property
    def platform_url(self) -> str:
        """Base URL of the platform API."""
        url: str = self._members["platform_url"]
        return url

    @property
    def sandbox(self) -> str:
        """Name of the sandbox spoken for."""
        return self._sandbox

    @property
    def org_id(self) -> str:
        """The organization spoken for."""
        org_id: str = self._members["org_id"]
        return org_id

    def access_token(self) -> str:
        """Return an access token, got from IMS once."""
        if self._token is None:
            answer = self._send(
                "POST",
                f"{self._members['ims_url']}/ims/token/v3",
                data={
                    "grant_type": "client_credentials",
                    "client_id": self._members["client_id"],
                    "client_secret": self._members["client_secret"],
                    "scope": self._members["scopes"],
                },
            )
            self._token = str(json.decode(answer.content)["access_token"])
        return self._token

    def get(self, path: str, *, params: dict[str, str] | None = None, accept: str = "") -> Any:  # noqa: ANN401  any JSON
        """Return the JSON of a GET on the platform API."""
        headers = self._headers() | ({"accept": accept} if accept else {})
        answer = self._send("GET", f"{self.platform_url}{path}", headers=headers, params=params)
        return json.decode(answer.content)

    def post(self, path: str, body: Any) -> Any:  # noqa: ANN401  any JSON
        """Return the JSON of a POST on the platform API."""
        return self._change("POST", path, body)

    def put(self, path: str, body: Any) -> Any:  # noqa: ANN401  any JSON
        """Return the JSON of a PUT on the platform API."""
        return self._change("PUT", path, body)

    def patch(self, path: str, body: Any) -> Any:  # noqa: ANN401  any JSON
        """Return the JSON of a PATCH on the platform API."""
        return self._change("PATCH", path, body)

    def post_bytes(
        self, path: str, content: bytes, *, content_type: str, params: dict[str, str] | None = None
    ) -> Any:  # noqa: ANN401  any JSON
        """Return the JSON of a POST whose body is written already."""
        headers = self._headers() | {"content-type": content_type}
        url = f"{self.platform_url}{path}"
        answer = self._send("POST", url, headers=headers, content=content, params=params)
        return json.decode(answer.content)

    def text(self, path: str) -> str:
        """Return the text of a GET that needs no credentials."""
        return self._send("GET", f"{self.platform_url}{path}").text

    def _change(self, method: str, path: str, body: Any) -> Any:  # noqa: ANN401  any JSON
        headers = self._headers() | {"content-type": "application/json"}
        url, content = f"{self.platform_url}{path}", json.encode(body)
        return json.decode(self._send(method, url, headers=headers, content=content).content)

    def _headers(self) -> dict[str, str]:
        return {
            "authorization": f"Bearer {self.access_token()}",
            "x-api-key": self._members["client_id"],
            "x-gw-ims-org-id": self._members["org_id"],
            "x-sandbox-name": self._sandbox,
        }

    def _send(self, method: str, url: str, **request: Any) -> httpx2.Response:  # noqa: ANN401
        try:
            answer = self._http.request(method, url, **request)
        except httpx2.TransportError as error:
            raise click.ClickException(
                f"No answer from {url}: {error}. Is `forebay serve` running on this data directory?"
            ) from None
        if answer.is_error:
            raise Refused(method, url, answer)
        return answer


def _reason(answer: httpx2.Response) -> str:
    """Return the sentence in an error body, whichever service's shape it has."""
    try:
        body = json.decode(answer.content)
    except json.NotJson:
        return answer.text
    named = (
        ("detail", "errorMessage", "message", "error_description") if isinstance(body, dict) else ()
    )
    sentence = next((str(body[name]) for name in named if body.get(name)), answer.text)
    code = str(body.get("type", "")).rpartition("/")[2] if isinstance(body, dict) else ""
    return f"{sentence} [{code.rpartition('-')[0]}]" if code else sentence
