"""
Why a request to the collection API is refused.

Every class here means "definitely not stored": it is raised before the log is touched. What
the log itself may raise is in `log.ports`. Statuses: flow-and-collection, 15.10.
"""

from forebay.kernel.errors import Disposition, PlatformError


class MessageRefused(PlatformError):
    """A message, or the envelope around several, breaks a rule of the collection API."""

    code = "EDGE-1400"
    status = 400
    title = "Invalid XDM Message Format"
    disposition = Disposition.REJECT


class TokenRefused(PlatformError):
    """The inlet asks for an access token, and a valid one did not come."""

    code = "EDGE-1401"
    status = 401
    title = "Authorization"
    disposition = Disposition.REJECT


class RequestMalformed(PlatformError):
    """The request is not clean HTTP: hosts, doubled headers, a body that broke off."""

    code = "EDGE-1402"
    status = 400
    title = "Malformed Request"
    disposition = Disposition.REJECT


class InletForbidden(PlatformError):
    """The access token is valid, but of another organization than the inlet."""

    code = "EDGE-1403"
    status = 403
    title = "Authorization"
    disposition = Disposition.REJECT


class NotHere(PlatformError):
    """No inlet, or no route, has this address."""

    code = "EDGE-1404"
    status = 404
    title = "Not Found"
    disposition = Disposition.REJECT


class MethodRefused(PlatformError):
    """The route exists, but not for this method."""

    code = "EDGE-1405"
    status = 405
    title = "Method Not Allowed"
    disposition = Disposition.REJECT


class BodyTooSlow(PlatformError):
    """The body did not arrive in time."""

    code = "EDGE-1408"
    status = 408
    title = "Request Timeout"
    disposition = Disposition.REJECT


class BodyTooLarge(PlatformError):
    """The body is larger than a request may be, before or after decompression."""

    code = "EDGE-1413"
    status = 413
    title = "Payload Too Large"
    disposition = Disposition.REJECT


class ContentRefused(PlatformError):
    """The body is written or compressed in a way that the edge does not read."""

    code = "EDGE-1415"
    status = 415
    title = "Unsupported Media Type"
    disposition = Disposition.REJECT


class TooManyValidations(PlatformError):
    """The inlet has used up its synchronous validations of this minute."""

    code = "EDGE-1429"
    status = 429
    title = "Too Many Requests"
    disposition = Disposition.REJECT


class HeadersTooLarge(PlatformError):
    """The request's headers are larger than headers may be."""

    code = "EDGE-1431"
    status = 431
    title = "Request Header Fields Too Large"
    disposition = Disposition.REJECT


class NotReady(PlatformError):
    """The edge takes no messages now: it is starting, stopping, or cannot store."""

    code = "EDGE-1503"
    status = 503
    title = "Not stored"
    disposition = Disposition.RETRY


class EdgeFailed(PlatformError):
    """A defect of ours ended the request: whether it was stored is unknown."""

    code = "EDGE-1500"
    status = 500
    title = "Outcome unknown"
    disposition = Disposition.STOP
