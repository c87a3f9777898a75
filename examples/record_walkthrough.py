"""
Stream record data: a person with a work email, from schema to row, with an HTTP client only.

    eval "$(forebay credentials --format env)"
    python examples/record_walkthrough.py
    forebay query 'select person.name.firstName, workEmail.address from sample_people'
"""

import sys

from aep import Platform

XDM = "https://ns.adobe.com/xdm/context"


def main(name: str) -> None:
    """Run the walk-through; `name` makes schema and dataset unique."""
    platform = Platform.from_environment()
    schema_id = platform.create_schema(
        name,
        [f"{XDM}/profile", f"{XDM}/profile-person-details", f"{XDM}/profile-work-details"],
    )
    platform.create_primary_identity(schema_id, "/workEmail/address", "Email")
    dataset_id = platform.create_dataset(name, schema_id)
    inlet_url = platform.create_inlet(name)
    print("schema ", schema_id)
    print("dataset", dataset_id)
    print("inlet  ", inlet_url)

    ada = {
        "person": {
            "name": {"firstName": "Ada", "lastName": "King"},
            "birthDate": "1985-12-10",
            "gender": "female",
        },
        "workEmail": {
            "primary": True,
            "address": "ada@example.com",
            "type": "work",
            "status": "active",
        },
    }
    print("valid  ", platform.stream(inlet_url, platform.message(schema_id, dataset_id, ada)))

    nameless = ada | {"person": {"name": {"firstName": 7}}}
    message = platform.message(schema_id, dataset_id, nameless)
    print("refused", platform.stream(inlet_url, message, syncValidation="true"))
    print("kept   ", platform.stream(inlet_url, message))

    platform.await_lake()
    print("in the lake: one row in the dataset, one in failed_records")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "Sample people")
