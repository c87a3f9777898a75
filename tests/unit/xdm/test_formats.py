import re
from datetime import datetime

import pytest
import rfc3339_validator
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.xdm.formats import FAST, FORMATS

VALID = {
    "date-time": [
        "2024-02-23T22:07:01Z",
        "2024-02-29T00:00:00.1Z",
        "2024-12-31T23:59:59.123456789+14:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2024-01-01T00:00:00-18:00",
    ],
    "date": ["2004-10-23", "2024-02-29", "0001-01-01"],
    "time": ["22:07:01Z", "00:00:00.5+02:00"],
    "email": ["ada@example.com", "a.b+c@x-y.co", '"a b"@example.com', "ü@bücher.de", "a@[1.2.3.4]"],
    "ipv4": ["1.2.3.4", "255.255.255.255", "0.0.0.0"],
    "ipv6": ["::1", "2001:db8::1", "::ffff:1.2.3.4"],
    "uri": [
        "http://example.com/a?b#c",
        "https://a.b/c?d=/e",
        "https://a?b",
        "http://a/%41",
        "urn:a:b",
        "mailto:a@b.co",
        "http://[::1]:80/",
    ],
    "uri-reference": ["evt-0001", "", "/a/b", "a/b:c", "#x", "%41", "//host/x", "é"],
}
INVALID = {
    "date-time": [
        "2018-00-23T22:07:01Z",
        "2018-05-18T15:28:25",
        "2023-02-29T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "2024-04-31T00:00:00Z",
        "2024-01-01T25:00:00Z",
        "2024-01-01T00:00:60Z",
        "2024-01-01T00:00:00.1234567890Z",
        "2024-01-01T00:00:00+0200",
        "2024-01-01T00:00:00+18:01",
        "2024-01-01T00:00:00+10:60",
        "2024-01-01t00:00:00z",
        "2024-01-01 00:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2024-01-01T00:00:00Z\n",
        "٢٠٢٤-01-01T00:00:00Z",
        "",
    ],
    "date": ["2018-02-30", "2018-13-01", "18-01-01", "2018-1-1", "0000-01-01", "2018-01-01Z"],
    "time": ["12:00:00", "24:00:00Z", "12:00Z", "12:00:00+19:00"],
    "email": ["a", "a@b", "@b.co", "a@", "a..b@c.co", "a b@c.co", "a@-b.co", "a" * 65 + "@b.co"],
    "ipv4": ["1.2.3", "256.1.1.1", "01.2.3.4", "1.2.3.4\n"],
    "ipv6": ["1", "::1%eth0", "12345::", "1.2.3.4"],
    "uri": [
        "a/b",
        "",
        "http://",
        "https://a/b?c d",
        "http://a/\n",
        "http://a/[",
        "1:2",
        "http://a b",
        "x:",
    ],
    "uri-reference": ["1:2", "a b", "a#b#c", "%4", "x[1]", "http://", "a\tb", "//"],
}


def is_fast(name: str, value: str) -> bool:
    fast = FAST.get(name)
    return (
        fast is not None
        and len(value) <= (fast.length_max or len(value))
        and re.search(fast.pattern, value) is not None
    )


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in VALID.items() for v in values])
def test_valid_value_is_accepted(name: str, value: str) -> None:
    assert FORMATS[name].holds(value)


@pytest.mark.parametrize(
    ("name", "value"), [(n, v) for n, values in INVALID.items() for v in values]
)
def test_invalid_value_is_refused_by_both_paths(name: str, value: str) -> None:
    assert not FORMATS[name].holds(value)
    assert not is_fast(name, value)


@pytest.mark.parametrize("name", sorted(FAST))
@given(data=st.data())
@settings(max_examples=400, deadline=None)
def test_fast_pattern_matches_nothing_invalid(name: str, data: st.DataObject) -> None:
    alphabet = "0123456789-:TZ+.@/?#%[]aAzé_~ \n"
    value = list(data.draw(st.sampled_from(VALID[name] + INVALID[name])))
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(value)))
        value[at : at + data.draw(st.integers(0, 1))] = data.draw(st.text(alphabet, max_size=2))
    text = "".join(value)

    assert FORMATS[name].holds(text) or not is_fast(name, text)


@given(moment=st.datetimes(), fraction=st.sampled_from(["", ".1", ".123456789"]))
def test_every_moment_of_the_calendar_is_a_date_time(moment: datetime, fraction: str) -> None:
    text = moment.replace(microsecond=0).isoformat() + fraction + "Z"

    assert FORMATS["date-time"].holds(text)
    assert rfc3339_validator.validate_rfc3339(text)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_long_hostile_value_takes_no_time(name: str) -> None:
    for piece in ("a", "a.", "-", "@", "1:", "%4", "[", "2024-", "//", "a-"):
        text = piece * 20_000

        FORMATS[name].holds(text)
        re.search(FAST.get(name, FAST["uri"]).pattern, text)
