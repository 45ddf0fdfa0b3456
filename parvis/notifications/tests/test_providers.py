"""The setting TELEPHONY: read whole, or refused in a sentence that names the fault."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from parvis.notifications.providers import read_providers, reason_of

GOOD = {"name": "principal", "account": "AC1", "token": "t", "routine": "+14185550100"}


def read(**facts):
    return read_providers(json.dumps([{**GOOD, **facts}]))


def test_nothing_said_is_no_provider():
    assert read_providers("") == () == read_providers("[]")


def test_a_provider_is_read_with_its_limits():
    (one,) = read(
        emergency="MG" + "0" * 32, voice="+14185550198", weight=10, per_second=0.5, per_day=9,
        price="0.0083", towns=["alma"], base="https://api.example.ca/",
    )  # fmt: skip
    assert (one.base, one.per_second, one.price) == (
        "https://api.example.ca", 0.5, Decimal("0.0083"),
    )  # fmt: skip
    assert one.serves("alma", "emergency") and not one.serves("isle", "emergency")
    assert "t'" not in repr(one) and "token" not in repr(one)


@pytest.mark.parametrize(
    ("facts", "fault"),
    [
        ({"name": "Principal"}, "small letters"),
        ({"token": ""}, "account and token"),
        ({"key": "SK1"}, "together"),
        ({"routine": ""}, "give a sender"),
        ({"routine": "418 555-0100"}, "routine cannot be"),
        ({"voice": "MG" + "0" * 32}, "voice cannot be"),
        ({"base": "http://api.example.ca"}, "https"),
        ({"weight": "beaucoup"}, "are numbers"),
        ({"price": "cher"}, "are numbers"),
        ({"per_second": 0}, "are positive"),
        ({"per_second": "inf"}, "are positive"),
        ({"price": "NaN"}, "are positive"),
        ({"colour": "blue"}, "colour is not read"),
    ],
)
def test_a_fault_is_named(facts, fault):
    with pytest.raises(ValueError, match=fault):
        read(**facts)


@pytest.mark.parametrize("text", ["{", "{}", '["x"]'])
def test_what_is_not_a_list_of_objects_is_refused(text):
    with pytest.raises(ValueError, match=r"JSON|list of objects"):
        read_providers(text)


def test_two_providers_of_one_name_are_refused():
    with pytest.raises(ValueError, match="same name"):
        read_providers(json.dumps([GOOD, GOOD]))


def test_an_unknown_error_is_the_carriers():
    assert (reason_of(30007), reason_of(0), reason_of(99999)) == (
        "filtered", "carrier_fault", "carrier_fault",
    )  # fmt: skip
