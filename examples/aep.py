"""A few lines around an HTTP client: the headers that every call of the platform carries."""

import os
import time
from typing import Any, Self

import httpx2

SCHEMA_REGISTRY = "/data/foundation/schemaregistry/tenant"
CATALOG = "/data/foundation/catalog"
FLOW_SERVICE = "/data/foundation/flowservice"
CONTENT_TYPE = "application/vnd.adobe.xed-full+json;version=1"


class Platform:
    """Calls the platform with the credentials that ``forebay credentials --format env`` prints."""

    def __init__(self, http: httpx2.Client) -> None:
        self.http = http
        self.org_id = os.environ["FOREBAY_ORG_ID"]
        token = self._access_token()
        self.headers = {
            "authorization": f"Bearer {token}",
            "x-api-key": os.environ["FOREBAY_CLIENT_ID"],
            "x-gw-ims-org-id": self.org_id,
            "x-sandbox-name": os.environ["FOREBAY_SANDBOX"],
        }

    @classmethod
    def from_environment(cls) -> Self:
        """Open a client for the server that the environment names."""
        return cls(httpx2.Client(base_url=os.environ["FOREBAY_PLATFORM_URL"], timeout=30))

    def _access_token(self) -> str:
        answer = self.http.post(
            f"{os.environ['FOREBAY_IMS_URL']}/ims/token/v3",
            data={
                "grant_type": "client_credentials",
                "client_id": os.environ["FOREBAY_CLIENT_ID"],
                "client_secret": os.environ["FOREBAY_CLIENT_SECRET"],
                "scope": os.environ["FOREBAY_SCOPES"],
            },
        )
        return str(answer.raise_for_status().json()["access_token"])

    def get(self, path: str) -> Any:
        """GET, and the JSON of the answer."""
        return self.http.get(path, headers=self.headers).raise_for_status().json()

    def post(self, path: str, body: Any) -> Any:
        """POST a JSON body, and the JSON of the answer."""
        return self.http.post(path, headers=self.headers, json=body).raise_for_status().json()

    def create_schema(self, title: str, components: list[str]) -> str:
        """Compose a schema from a class and field groups; return its ``$id``."""
        schema = self.post(
            f"{SCHEMA_REGISTRY}/schemas",
            {
                "type": "object",
                "title": title,
                "allOf": [{"$ref": component} for component in components],
                "meta:immutableTags": ["union"],
            },
        )
        return str(schema["$id"])

    def create_primary_identity(self, schema_id: str, path: str, namespace: str) -> None:
        """Make a field the primary identity; it becomes required."""
        self.post(
            f"{SCHEMA_REGISTRY}/descriptors",
            {
                "@type": "xdm:descriptorIdentity",
                "xdm:sourceSchema": schema_id,
                "xdm:sourceVersion": 1,
                "xdm:sourceProperty": path,
                "xdm:namespace": namespace,
                "xdm:property": "xdm:code",
                "xdm:isPrimary": True,
            },
        )

    def create_dataset(self, name: str, schema_id: str) -> str:
        """Create a dataset; return its id."""
        (reference,) = self.post(
            f"{CATALOG}/dataSets",
            {
                "name": name,
                "schemaRef": {"id": schema_id, "contentType": CONTENT_TYPE},
                "tags": {"unifiedIdentity": ["enabled:true"], "unifiedProfile": ["enabled:true"]},
            },
        )
        return str(reference).removeprefix("@/dataSets/")

    def create_inlet(self, name: str) -> str:
        """Create a streaming connection; return its inletUrl."""
        created = self.post(
            f"{FLOW_SERVICE}/connections",
            {
                "name": name,
                "providerId": "521eee4d-8cbe-4906-bb48-fb6bd4450033",
                "connectionSpec": {"id": "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb", "version": "1.0"},
                "auth": {
                    "specName": "Streaming Connection",
                    "params": {"sourceId": name, "dataType": "xdm", "name": name},
                },
            },
        )
        connection = self.get(f"{FLOW_SERVICE}/connections/{created['id']}")
        return str(connection["items"][0]["auth"]["params"]["inletUrl"])

    def message(self, schema_id: str, dataset_id: str, entity: dict[str, Any]) -> dict[str, Any]:
        """Put an entity into its envelope."""
        reference = {"id": schema_id, "contentType": CONTENT_TYPE}
        return {
            "header": {
                "schemaRef": reference,
                "imsOrgId": self.org_id,
                "datasetId": dataset_id,
                "source": {"name": "examples"},
            },
            "body": {"xdmMeta": {"schemaRef": reference}, "xdmEntity": entity},
        }

    def stream(self, inlet_url: str, message: dict[str, Any], **query: str) -> dict[str, Any]:
        """Send one message; return the answer, whatever its status."""
        answer = self.http.post(inlet_url, json=message, params=query)
        return {"status": answer.status_code, **answer.json()}

    def await_lake(self) -> None:
        """Return when everything that is durable now can be read in the lake."""
        while True:
            watermarks = self.http.get("/forebay/v1/watermarks").raise_for_status().json()
            if all(p["lake"] >= p["durable"] for p in watermarks["partitions"].values()):
                return
            time.sleep(0.2)
