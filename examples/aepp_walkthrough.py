"""
The same walk with aepp, the public Python client of Adobe Experience Platform.

    forebay credentials --format aepp > aepp.json
    python examples/aepp_walkthrough.py aepp.json

Only the three addresses differ from a program that is written for Adobe's own hosts.
"""

import json
import sys
from pathlib import Path

import aepp
from aepp import catalog, flowservice, ingestion, schema

XDM = "https://ns.adobe.com/xdm/context"


def configure(file: Path) -> None:
    """Read aepp's own configuration, and name the server."""
    aepp.importConfigFile(str(file))
    addresses = json.loads(file.read_text())
    aepp.config.endpoints["global"] = addresses["global"]
    aepp.config.endpoints["streaming"]["collection"] = addresses["collection"]
    aepp.config.config_object["oauthTokenEndpointV2"] = f"{addresses['imsEndpoint']}/ims/token/v3"


def main(file: Path, name: str) -> None:
    """Run the walk-through; `name` makes schema and dataset unique."""
    configure(file)

    schemas = schema.Schema()
    created = schemas.createSchema(
        {
            "type": "object",
            "title": name,
            "allOf": [
                {"$ref": f"{XDM}/profile"},
                {"$ref": f"{XDM}/profile-person-details"},
                {"$ref": f"{XDM}/profile-work-details"},
            ],
            "meta:immutableTags": ["union"],
        }
    )
    schema_id = created["$id"]
    schemas.createDescriptor(
        sourceSchema=schema_id, sourceProperty="/workEmail/address", namespace="Email", primary=True
    )
    print("schema ", schema_id)
    print("paths  ", len(schemas.getSchemaPaths(schema_id)))
    print("sample ", schemas.getSchemaSample(schema_id)["xdm:workEmail"]["xdm:address"])
    print("export ", [resource["title"] for resource in schemas.exportResource(schema_id)])
    print("changes", len(schemas.getAuditLogs(schema_id)))

    (reference,) = catalog.Catalog().createDataSet(
        name=name, schemaId=schema_id, profileEnabled=True, identityEnabled=True
    )
    dataset_id = reference.removeprefix("@/dataSets/")
    print("dataset", dataset_id)

    flows = flowservice.FlowService()
    connection = flows.createConnectionStreaming(
        name=name, sourceId=name, dataType="xdm", paramName=name
    )
    inlet = flows.getConnection(connection["id"])["auth"]["params"]
    print("inlet  ", inlet["inletUrl"])

    schema_ref = {
        "id": schema_id,
        "contentType": "application/vnd.adobe.xed-full+json;version=1",
    }
    message = {
        "header": {"schemaRef": schema_ref, "datasetId": dataset_id},
        "body": {
            "xdmMeta": {"schemaRef": schema_ref},
            "xdmEntity": {
                "person": {"name": {"firstName": "Grace"}},
                "workEmail": {"address": "grace@example.com"},
            },
        },
    }
    streaming = ingestion.DataIngestion()
    print("single ", streaming.streamMessage(inlet["inletId"], message, syncValidation=True))
    print("batch  ", streaming.streamMessages(inlet["inletId"], [message, message]))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "Sample people of aepp")
