"""
Stream time-series data: a product view, alone and in a batch, with an HTTP client only.

    eval "$(forebay credentials --format env)"
    python examples/time_series_walkthrough.py
    forebay query 'select _id, "timestamp", commerce.productViews.value from sample_events'
"""

import sys
from typing import Any

from aep import Platform

XDM = "https://ns.adobe.com/xdm/context"
PROFILE_SNAPSHOT = "https://ns.adobe.com/experience/campaign/experienceevent-profile-work-details"
IDENTITY = "/_experience/campaign/message/profileSnapshot/workEmail/address"


def product_view(event_id: str) -> dict[str, Any]:
    """Return an event of somebody who looked at a product."""
    return {
        "_id": event_id,
        "timestamp": "2024-02-23T22:07:01Z",
        "environment": {
            "browserDetails": {
                "userAgent": "UA/1.0",
                "acceptLanguage": "en-US",
                "cookiesEnabled": True,
                "javaScriptVersion": "1.6",
                "javaEnabled": True,
            },
            "colorDepth": 32,
            "viewportHeight": 799,
            "viewportWidth": 414,
        },
        "productListItems": [
            {"SKU": "CC", "name": "Sample item", "quantity": 30, "priceTotal": 7.8}
        ],
        "commerce": {"productViews": {"value": 1}},
        "_experience": {
            "campaign": {
                "message": {"profileSnapshot": {"workEmail": {"address": "ada@example.com"}}}
            }
        },
    }


def main(name: str) -> None:
    """Run the walk-through; `name` makes schema and dataset unique."""
    platform = Platform.from_environment()
    schema_id = platform.create_schema(
        name,
        [
            f"{XDM}/experienceevent",
            f"{XDM}/experienceevent-environment-details",
            f"{XDM}/experienceevent-commerce",
            PROFILE_SNAPSHOT,
        ],
    )
    platform.create_primary_identity(schema_id, IDENTITY, "Email")
    dataset_id = platform.create_dataset(name, schema_id)
    inlet_url = platform.create_inlet(name)
    print("schema ", schema_id)
    print("dataset", dataset_id)
    print("inlet  ", inlet_url)

    first = platform.message(schema_id, dataset_id, product_view("evt-0001"))
    print("single ", platform.stream(inlet_url, first))

    batch = [platform.message(schema_id, dataset_id, product_view(f"evt-{n}")) for n in range(2, 5)]
    batch_url = inlet_url.replace("/collection/", "/collection/batch/")
    print("batch  ", platform.stream(batch_url, {"messages": batch}))

    platform.await_lake()
    print("in the lake: four events")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "Sample events")
