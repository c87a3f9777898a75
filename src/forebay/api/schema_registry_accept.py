"""
The ``Accept`` header of the Schema Registry: it alone decides the form of an answer (1.3).

``application/vnd.adobe.<form>+json``, where a form is ``xed`` or ``xdm`` and flags in any
order; lookups add ``version=1``. ``xed`` means payload names, ``xdm`` the standard notation.
"""

import re

import msgspec

from forebay.control.schemas.views import View
from forebay.kernel.errors import Disposition, PlatformError

_FORM = re.compile(r"application/vnd\.adobe\.(xed|xdm)((?:-[a-z0-9]+)*)\+json", re.IGNORECASE)
_VERSION = re.compile(r"([0-9]{1,9})(?:\.[0-9]{1,9})*")
_LOOKUP_FLAGS = frozenset({"full", "notext", "desc", "flat", "deprecated", "deprecatefield"})
_COMPOSED_FLAGS = frozenset({"full", "flat", "deprecated", "deprecatefield"})
_DEPRECATED_FLAGS = frozenset({"deprecated", "deprecatefield"})
_DESCRIPTOR_LIST_FLAGS = frozenset({"id", "link", "v2"})
_ANYTHING = ("", "*/*", "application/json", "application/*")


class AcceptInvalid(PlatformError):
    """The Accept header asks for no form there is; the family of its errors by kind of call."""

    status = 400
    title = "Accept header invalid"
    disposition = Disposition.REJECT


class ListAcceptInvalid(AcceptInvalid):
    """A listing was asked for with a version, or in a form that is none."""

    code = "XDM-1006"


class LookupAcceptInvalid(AcceptInvalid):
    """A lookup was asked for without a version, or in a form that is none."""

    code = "XDM-1007"


class DescriptorListAcceptInvalid(AcceptInvalid):
    """A listing of descriptors was asked for in a form that is none."""

    code = "XDM-1008"


class DescriptorAcceptInvalid(AcceptInvalid):
    """A descriptor was asked for in a form that is none."""

    code = "XDM-1009"


class VersionNotAcceptable(PlatformError):
    """A version was asked for that does not exist; there is major version 1 only."""

    code = "REG-4060"
    status = 406
    title = "Not acceptable"
    disposition = Disposition.REJECT


class DescriptorForm(msgspec.Struct, frozen=True):
    """What a listing of descriptors consists of."""

    is_paged: bool = False
    is_ids: bool = False
    is_links: bool = False


class _Accept(msgspec.Struct, frozen=True):
    family: str
    flags: frozenset[str]
    version: str | None


def is_summary_list(header: str | None) -> bool:
    """
    Return whether a listing asks for ids and titles only.

    Raises:
        ListAcceptInvalid: The header names a version, or no form of listings.
    """
    accept = _parse(header)
    if accept is None or accept.version is not None or not accept.flags <= {"id"}:
        raise ListAcceptInvalid(_complaint(header, "'{xed|xdm}'+json"))
    return "id" in accept.flags


def is_standard_list(header: str | None) -> bool:
    """Return whether a listing, for which `is_summary_list` was asked, uses standard notation."""
    accept = _parse(header)
    return accept is not None and accept.family == "xdm"


def lookup_view(header: str | None) -> View:
    """
    Return the view that a lookup asks for.

    Raises:
        LookupAcceptInvalid: The header names no version, or no form of lookups.
        VersionNotAcceptable: The version is not 1.
    """
    accept = _parse(header, is_lookup=True)
    version = _VERSION.fullmatch(accept.version or "") if accept is not None else None
    if accept is None or version is None or not accept.flags <= _LOOKUP_FLAGS:
        right = "'{xed|xdm}'+json; version=1 (Version should be specified)"
        raise LookupAcceptInvalid(_complaint(header, right))
    if int(version[1]) != 1:
        raise VersionNotAcceptable(f"Version {version[0]} is not available; the only one is 1")
    return View(
        is_composed=not accept.flags.isdisjoint(_COMPOSED_FLAGS),
        has_texts="notext" not in accept.flags,
        has_descriptors="desc" in accept.flags,
        is_flat="flat" in accept.flags,
        has_deprecated_fields=not accept.flags.isdisjoint(_DEPRECATED_FLAGS),
        is_standard=accept.family == "xdm",
    )


def descriptor_list_form(header: str | None) -> DescriptorForm:
    """
    Return the form that a listing of descriptors asks for.

    Raises:
        DescriptorListAcceptInvalid: The header names none.
    """
    accept = _parse(header)
    if accept is None or accept.family != "xdm" or not accept.flags <= _DESCRIPTOR_LIST_FLAGS:
        raise DescriptorListAcceptInvalid(_complaint(header, "xdm-id+json"))
    return DescriptorForm(
        is_paged="v2" in accept.flags,
        is_ids="id" in accept.flags and "link" not in accept.flags,
        is_links="link" in accept.flags,
    )


def check_descriptor_lookup(header: str | None) -> None:
    """
    Check the header of a descriptor's lookup, which needs none.

    Raises:
        DescriptorAcceptInvalid: It asks for something else than ``xdm``.
    """
    first = (header or "").partition(",")[0].partition(";")[0].strip().lower()
    if first in _ANYTHING:
        return
    accept = _parse(header)
    if accept is None or accept.family != "xdm" or accept.flags:
        raise DescriptorAcceptInvalid(_complaint(header, "xdm+json"))


def _parse(header: str | None, *, is_lookup: bool = False) -> _Accept | None:
    """Return the first form that fits the kind of call, else the first; None if there is none."""
    forms = [form for media_type in (header or "").split(",") if (form := _form(media_type))]
    fitting = (form for form in forms if (form.version is not None) == is_lookup)
    return next(fitting, forms[0] if forms else None)


def _form(media_type: str) -> _Accept | None:
    name, *parameters = [part.strip() for part in media_type.split(";")]
    match = _FORM.fullmatch(name)
    if match is None:
        return None
    pairs = [parameter.partition("=") for parameter in parameters]
    versions = [value.strip(' "') for key, _, value in pairs if key.strip().lower() == "version"]
    flags = frozenset(match[2].lower().split("-")[1:])
    return _Accept(match[1].lower(), flags, versions[0] if versions else None)


def _complaint(header: str | None, right: str) -> str:
    return (
        f"The supplied Accept header is not valid: {header} - A valid Accept value should look "
        f"like application/vnd.adobe.{right}"
    )
