"""Where records go: a dataset with its schema, and the envelope of a message to it."""

from typing import Any

from forebay.cli import datasets
from forebay.cli.client import Platform
from forebay.cli.registry import API, COLLECTIONS, FULL, TENANT, Registry
from forebay.control.schemas.model import ResourceType
from forebay.kernel import json
from forebay.xdm.names import alt_id
from forebay.xdm.strict import validation_document

_CONTENT_TYPE = "application/vnd.adobe.xed-full+json;version=1"


class Target:
    """A dataset, its schema, and the envelope of its messages."""

    def __init__(self, name: str, org_id: str, dataset_id: str, document: dict[str, Any]) -> None:
        self.name = name
        self.document = document
        reference = {"id": document["$id"], "contentType": _CONTENT_TYPE}
        header = {"schemaRef": reference, "imsOrgId": org_id, "datasetId": dataset_id}
        meta = json.encode({"schemaRef": reference})
        self._head = (
            b'{"header":' + json.encode(header) + b',"body":{"xdmMeta":' + meta + b',"xdmEntity":'
        )
        self._is_message = (b'"xdmEntity"', b'"header"')

    @classmethod
    def of(cls, platform: Platform, name_or_id: str) -> "Target":
        """Return the target that is the dataset with this id or name."""
        found = datasets.find(platform, name_or_id)
        schema = rules_of(platform, found.schema_id)
        return cls(found.name, platform.org_id, found.dataset_id, schema)

    def message(self, line: bytes) -> bytes:
        """Return a whole message for a line that is one, or is only the entity."""
        if all(word in line for word in self._is_message):
            return line
        return self._head + line + b"}}"


def rules_of(platform: Platform, schema_id: str) -> dict[str, Any]:
    """Return what records of a schema must obey, descriptors included, and its ``$id``."""
    schema = platform.get(
        f"{API}/{TENANT}/{COLLECTIONS[ResourceType.SCHEMA]}/{alt_id(schema_id)}", accept=FULL
    )
    descriptors = Registry(platform).descriptors(schema_id)
    return {"$id": schema_id, **validation_document(schema, descriptors)}
