"""HTTP as the platform port speaks it, down to requests that are not HTTP."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from forebay.kernel import ids, json


class PlatformProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with the gateway's error body where it answers by itself."""

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed, in the gateway's shape and with a request id."""
        body = json.encode({"error_code": "400000", "message": msg})
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\nconnection: close\r\nx-request-id: %s\r\n\r\n%s"
            % (len(body), ids.new_request_id().encode(), body)
        )
        self.transport.close()
