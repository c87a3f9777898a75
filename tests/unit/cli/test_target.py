from pathlib import Path

from forebay.cli.target import rules_of
from forebay.kernel import json
from forebay.xdm.samples import sample
from forebay.xdm.validator import Validator
from support.command_line import platform_of
from support.registry import PROFILE, a_field_group, a_schema, running_registry


def test_samples_have_the_deprecated_fields_that_records_must_have(tmp_path: Path) -> None:
    with running_registry(tmp_path) as client, platform_of(client) as platform:
        old = {"type": "string", "meta:status": "deprecated"}
        own = {"type": "object", "properties": {"old": old}, "required": ["old"]}
        group = client.create(
            "fieldgroups",
            a_field_group({client.namespace: own}, required=[client.namespace]),
        )
        schema = client.create("schemas", a_schema(PROFILE, group["$id"]))

        rules = rules_of(platform, schema["$id"])

    record = sample(rules, seed=1)
    assert record[client.namespace]["old"]
    assert Validator(rules).validate(json.encode(record)) is None
