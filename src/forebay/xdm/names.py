"""
Names of fields and resources: the standard notation, the payload form, and how they map.

The library writes names with a prefix (``xdm:person``, ``@id``, a full URI); messages carry the
payload form, where prefixes become wrapper objects (schema-catalog-profile, 2.4). A namespace here
is the tuple of wrapper names around a field: ``("_experience", "campaign")``.
"""

from itertools import pairwise
from urllib.parse import urlsplit

_HOME = "https://ns.adobe.com/"

Path = tuple[str, ...]


def payload_path(name: str, *, inside: Path = ()) -> Path:
    """
    Return where a field of the standard notation stands in a message, outermost member first.

    A full URI whose namespace is the one the surrounding object already lies in does not repeat
    it (decisions, 15).

    Args:
        name: A name in standard notation; names without a prefix stay as they are.
        inside: The namespace of the nearest surrounding field that is named by a URI.
    """
    if name.startswith("@"):
        return ("_" + name[1:],)
    if _is_uri(name):
        path = _uri_path(name)
        return path[-1:] if inside and path[:-1] == inside else path
    prefix, colon, local = name.partition(":")
    if not colon or not prefix or not local:
        return (name,)
    return (local,) if prefix == "xdm" else ("_" + prefix, local)


def namespace_of(name: str) -> Path:
    """Return the wrapper names that a URI name brings along; nothing for any other name."""
    return _uri_path(name)[:-1] if _is_uri(name) else ()


def alt_id(resource_id: str) -> str:
    """Return the path-safe ``meta:altId`` of a ``$id`` (schema-catalog-profile, 1.1)."""
    rest = resource_id.removeprefix(_HOME)
    if rest == resource_id:
        rest = resource_id.partition("://")[2] or resource_id
    return "_" + rest.replace("/", ".")


def resource_id(alternative: str) -> str:
    """
    Return the ``$id`` of a ``meta:altId``, for resources of the home namespace.

    Dots may stand for slashes or for themselves, so a resource whose id contains a dot, or comes
    from another host, is found by comparing `alt_id` instead.
    """
    return _HOME + alternative.removeprefix("_").replace(".", "/")


def title_of(name: str) -> str:
    """Return a readable title made from a field name or the last segment of an id."""
    words: list[str] = []
    for part in name.replace("_", "-").replace(".", "-").split("-"):
        words.extend(_humps(part))
    return " ".join(word if word.isupper() else word[0].upper() + word[1:] for word in words)


def _is_uri(name: str) -> bool:
    return name.startswith(("https://", "http://"))


def _uri_path(name: str) -> Path:
    parts = urlsplit(name)
    segments = [segment for segment in parts.path.split("/") if segment]
    if parts.netloc == "ns.adobe.com":
        if segments[:1] == ["xdm"] and len(segments) > 1:
            segments = segments[1:]
    else:
        segments = parts.netloc.split(".") + segments
    if not segments:
        return (name,)
    return ("_" + segments[0], *segments[1:]) if len(segments) > 1 else (segments[0],)


def _humps(word: str) -> list[str]:
    """Split camel case, keeping runs of capitals together: ``webPageURL`` → web, Page, URL."""
    starts = [
        at
        for at in range(1, len(word))
        if word[at].isupper()
        and (word[at - 1].islower() or (at + 1 < len(word) and word[at + 1].islower()))
    ]
    edges = [0, *starts, len(word)]
    return [word[a:b] for a, b in pairwise(edges) if a < b]
