import pytest

from forebay.edge.answers import Refusal
from forebay.edge.envelope import Parts
from forebay.edge.messages import Checked, MessageRules
from forebay.kernel import json
from support.edge import DATASET, LOCKED, OPEN, ORG, SCHEMA, StaticDirectory, a_header, a_reference

META = json.encode({"schemaRef": a_reference()})


def check(rules: MessageRules, header: bytes, meta: bytes = META) -> Checked | Refusal:
    inlet = StaticDirectory().inlets[OPEN]
    return rules.check(inlet, Parts(header, meta, b"{}"), dataset_id=None)


def test_good_header_says_where_its_record_goes() -> None:
    checked = check(MessageRules(StaticDirectory()), json.encode(a_header()))

    assert checked == Checked(SCHEMA, DATASET, None)


def test_header_is_remembered_per_inlet_and_default_dataset() -> None:
    directory = StaticDirectory()
    rules = MessageRules(directory)
    header = json.encode(a_header())
    check(rules, header)

    check(rules, header)

    assert list(rules.remembered(directory.inlets[OPEN], None).headers) == [(header, META)]
    assert rules.remembered(directory.inlets[LOCKED], None).headers == {}
    assert rules.remembered(directory.inlets[OPEN], DATASET).headers == {}


def test_refusals_and_old_headers_do_not_fill_memory() -> None:
    rules = MessageRules(StaticDirectory())

    for number in range(5_000):
        check(rules, json.encode(a_header(createdAt=number)))
        check(rules, json.encode(a_header(datasetId=str(number))))

    assert len(rules.remembered(StaticDirectory().inlets[OPEN], None).headers) < 5_000


def test_default_datasets_do_not_fill_memory() -> None:
    rules = MessageRules(StaticDirectory())
    inlet = StaticDirectory().inlets[OPEN]

    for number in range(10_000):
        rules.remembered(inlet, str(number))

    assert len(rules._remembered) < 5_000


def test_long_headers_are_checked_and_not_remembered() -> None:
    rules = MessageRules(StaticDirectory())

    checked = check(rules, json.encode(a_header(note="x" * 5_000)))

    assert isinstance(checked, Checked)
    assert rules.remembered(StaticDirectory().inlets[OPEN], None).headers == {}


@pytest.mark.parametrize(
    "header",
    [
        b'{"imsOrgId":"%b","imsOrgId":"%b"}' % (b"x", ORG.encode()),
        b'{"imsOrgId":"%b","ims\\u004frgId":"%b"}' % (ORG.encode(), ORG.encode()),
        b'{"schemaRef":{"id":"a","id":"b"}}',
    ],
)
def test_header_that_repeats_a_key_is_refused(header: bytes) -> None:
    outcome = check(MessageRules(StaticDirectory()), header)

    assert isinstance(outcome, Refusal)
    assert "twice" in outcome.detail


def test_meta_that_repeats_a_key_is_refused() -> None:
    reference = json.encode(a_reference())
    meta = b'{"schemaRef":%b,"schemaRef":%b}' % (reference, reference)

    outcome = check(MessageRules(StaticDirectory()), json.encode(a_header()), meta)

    assert isinstance(outcome, Refusal)


@pytest.mark.parametrize("header", [b"null", b"[]", b'"x"', b"7", b""])
def test_header_that_is_no_object_is_missing(header: bytes) -> None:
    outcome = check(MessageRules(StaticDirectory()), header)

    assert isinstance(outcome, Refusal)
    assert "mandatory" in outcome.message
