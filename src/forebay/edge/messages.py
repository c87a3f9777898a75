"""
What a message must say of itself before it is taken (flow-and-collection, 15.4 to 15.6).

Senders repeat their headers from message to message, so a header that was found good is
remembered by its bytes, until the directory changes.
"""

import re
from typing import Any, NamedTuple

from forebay.edge.answers import Refusal
from forebay.edge.envelope import Opening, Parts, has_repeated_key, openings, require_depth
from forebay.edge.ports import Inlet, InletDirectory
from forebay.kernel import json
from forebay.kernel.limits import JSON_DEPTH_MAX

UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_CONTENT_TYPE = re.compile(
    r"application/vnd\.adobe\.x[de][dm](?:-[a-z]+)*\+json\s*"
    r"(?:;\s*(?:(?:version=)?(\d+)(?:\.\d+)*|\{[A-Z_]+\}))?\s*;?\s*",
    re.IGNORECASE,
)
"""As senders write it, also with the placeholder that Adobe's pages print for the version."""
_MAJOR = "1"
"""The only major version that schemas have (schema-catalog-profile, 1.3)."""
_REMEMBERED_MAX = 4096
"""Distinct headers remembered; a sender that puts a time into each should not fill memory."""
_REMEMBERED_BYTES_MAX = 4_096
"""Longest header that is remembered."""

UNKNOWN_FORMAT = "Message has unknown xdm format"
WRONG_ORG = "Message has an absent or wrong ims org in the header"
NO_HEADER = "The 'header' field is mandatory. Provide a valid 'header' value and try again."
NO_ENTITY = "Payload body is missing xdmEntity"


_HeaderBytes = tuple[bytes, bytes]


class Checked(NamedTuple):
    """What a good header says."""

    schema_id: str
    dataset_id: str
    flow_id: str | None


class Remembered:
    """The good headers of an inlet's messages."""

    def __init__(self) -> None:
        self.headers: dict[_HeaderBytes, Checked] = {}
        """By ``header`` and ``xdmMeta`` as sent."""
        self.opening: Opening | None = None
        """How the message that was read last began, if that was usual."""
        self.checked: Checked | None = None
        """What the header of that message says."""


class _SchemaRef(NamedTuple):
    schema_id: str
    major: str


class MessageRules:
    """The rules for messages of XDM inlets."""

    def __init__(self, directory: InletDirectory) -> None:
        self._directory = directory
        self._revision = -1
        self._remembered: dict[tuple[str, str | None], Remembered] = {}
        self._count = 0

    def remembered(self, inlet: Inlet, dataset_id: str | None) -> Remembered:
        """Return the good headers of an inlet's messages."""
        if (
            self._directory.revision != self._revision
            or self._count + len(self._remembered) > _REMEMBERED_MAX
        ):
            self._remembered.clear()
            self._count = 0
            self._revision = self._directory.revision
        key = (inlet.inlet_id, dataset_id)
        found = self._remembered.get(key)
        if found is None:
            found = self._remembered[key] = Remembered()
        return found

    def remember_opening(
        self, inlet: Inlet, parts: Parts, body: bytes, *, dataset_id: str | None
    ) -> None:
        """Note how a body whose first message is good begins."""
        remembered = self.remembered(inlet, dataset_id)
        checked = remembered.headers.get(parts[:2])
        if checked is None:
            return
        for opening in openings(parts.header, parts.meta):
            if body.startswith((opening.of_message, opening.of_batch)):
                remembered.opening = opening
                remembered.checked = checked

    def check(self, inlet: Inlet, parts: Parts, *, dataset_id: str | None) -> Checked | Refusal:
        """
        Return what a message's header says, or why the message is refused.

        Args:
            inlet: The inlet it came to.
            parts: The message.
            dataset_id: The dataset for messages that name none.

        Raises:
            NotJson: The header is nested too deeply.
        """
        remembered = self.remembered(inlet, dataset_id)
        checked = remembered.headers.get(parts[:2])
        if checked is None:
            outcome = self._check_header(inlet, parts, dataset_id)
            if isinstance(outcome, Refusal):
                # Never remembered: the dataset it asks for may exist a moment later.
                return outcome
            checked = outcome
            if len(parts.header) + len(parts.meta) <= _REMEMBERED_BYTES_MAX:
                remembered.headers[parts[:2]] = checked
                self._count += 1
        if not parts.entity:
            return Refusal(NO_ENTITY, "body.xdmEntity holds the record")
        return checked

    def _check_header(
        self, inlet: Inlet, parts: Parts, default_dataset: str | None
    ) -> Checked | Refusal:
        header = _read_object(parts.header)
        if isinstance(header, Refusal):
            return header
        if header is None:
            return Refusal(NO_HEADER)
        # An optional member that is null says as much as one that is absent.
        header = {name: value for name, value in header.items() if value is not None}
        if header.get("imsOrgId", inlet.org_id) != inlet.org_id:
            return Refusal(WRONG_ORG, f"header.imsOrgId is {_show(header['imsOrgId'])}")
        reference = _agreed_reference(header, parts.meta)
        if isinstance(reference, Refusal):
            return reference
        refusal = _check_optional(header)
        if refusal is not None:
            return refusal
        dataset_id = header.get("datasetId", default_dataset)
        return self._route(inlet, reference.schema_id, dataset_id, header.get("flowId"))

    def _route(
        self, inlet: Inlet, schema_id: str, dataset_id: object, flow_id: str | None
    ) -> Checked | Refusal:
        if dataset_id is None:
            return Refusal(
                "Message has no datasetId",
                "header.datasetId, or the HTTP header x-adobe-dataset-id, names the dataset",
            )
        dataset = (
            self._directory.find_dataset(inlet, dataset_id) if isinstance(dataset_id, str) else None
        )
        if dataset is None:
            return Refusal(
                f"Message has an unknown datasetId {_show(dataset_id)}",
                f"there is no such dataset in the sandbox {inlet.sandbox_name!r} of the inlet",
            )
        if dataset.schema_id != schema_id:
            return Refusal(
                UNKNOWN_FORMAT,
                f"the schema of dataset {dataset.dataset_id} is {dataset.schema_id}, "
                f"header.schemaRef.id is {_show(schema_id)}",
            )
        return Checked(schema_id, dataset.dataset_id, flow_id)


def _agreed_reference(header: dict[str, Any], meta_bytes: bytes) -> _SchemaRef | Refusal:
    meta = _read_object(meta_bytes)
    if isinstance(meta, Refusal):
        return meta
    if meta is None:
        return Refusal(UNKNOWN_FORMAT, "body.xdmMeta.schemaRef names the schema of the record")
    in_header = _read_reference(header.get("schemaRef"), "header.schemaRef")
    in_meta = _read_reference(meta.get("schemaRef"), "body.xdmMeta.schemaRef")
    if isinstance(in_header, Refusal):
        return in_header
    if isinstance(in_meta, Refusal):
        return in_meta
    if in_header != in_meta:
        return Refusal(
            UNKNOWN_FORMAT,
            f"header.schemaRef ({_show(in_header.schema_id)}, version {in_header.major}) and "
            f"body.xdmMeta.schemaRef ({_show(in_meta.schema_id)}, version {in_meta.major}) differ",
        )
    return in_header


def _read_object(document: bytes) -> dict[str, Any] | Refusal | None:
    if not document:
        return None
    require_depth(document, JSON_DEPTH_MAX)
    try:
        value = json.decode(document)
    except json.NotJson as error:
        return Refusal("Message is invalid", str(error))
    if not isinstance(value, dict):
        return None
    if has_repeated_key(document, value):
        return Refusal("Message is invalid", "a key occurs twice in one object of the envelope")
    return value


def _read_reference(value: object, where: str) -> _SchemaRef | Refusal:
    if not isinstance(value, dict):
        return Refusal(UNKNOWN_FORMAT, f"{where} is an object with id and contentType")
    schema_id, content_type = value.get("id"), value.get("contentType")
    if not isinstance(schema_id, str) or not schema_id:
        return Refusal(UNKNOWN_FORMAT, f"{where}.id is {_show(schema_id)}, not the id of a schema")
    match = _CONTENT_TYPE.fullmatch(content_type) if isinstance(content_type, str) else None
    if match is None:
        return Refusal(
            UNKNOWN_FORMAT,
            f"{where}.contentType is {_show(content_type)}, "
            "not like application/vnd.adobe.xed-full+json;version=1",
        )
    major = match[1] or _MAJOR
    if major != _MAJOR:
        return Refusal(
            UNKNOWN_FORMAT,
            f"{where}.contentType asks for version {major}; schemas have version {_MAJOR} only",
        )
    return _SchemaRef(schema_id, major)


def _check_optional(header: dict[str, Any]) -> Refusal | None:
    if "flowId" in header and not is_uuid(header["flowId"]):
        return Refusal(
            "Message has an invalid flow id",
            f"header.flowId is {_show(header['flowId'])}, not a UUID",
        )
    created = header.get("createdAt", 0)
    if isinstance(created, bool) or not isinstance(created, int | float | str):
        return Refusal(
            "Message has an invalid createdAt",
            f"header.createdAt is {_show(created)}, not a number or a string",
        )
    source = header.get("source", {})
    if not isinstance(source, dict) or not isinstance(source.get("name", ""), str):
        return Refusal(
            "Message has an invalid source",
            f"header.source is {_show(source)}, not an object with a name",
        )
    return None


def is_uuid(value: object) -> bool:
    """Say whether a value is a string that reads as a UUID."""
    return isinstance(value, str) and UUID.fullmatch(value) is not None


def _show(value: object) -> str:
    shown = json.encode(value).decode()
    return f"[{shown if len(shown) <= _SHOWN_MAX else shown[:_SHOWN_MAX] + '…'}]"


_SHOWN_MAX = 200
"""Characters of a wrong value that an answer repeats."""
