"""One address has one key, however it is written."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parvis.territory import rules

SAME_STREET = [
    ["boulevard Saint-Joseph Ouest", "boul. St-Joseph O.", "BOUL SAINT JOSEPH OUEST"],
    ["1re Avenue", "1ère avenue", "Première Avenue", "avenue 1re", "1RE AV."],
    ["rue de l’Église", "rue de l'Eglise", "Rue Église", "RUE DE L EGLISE", "r. de l’église"],
    ["chemin du Sacré-Cœur", "ch. du Sacre-Coeur", "Chemin du SACRÉ CŒUR"],
    ["rang 4", "rg 4", "Rang 4"],
    ["rue Ste-Anne", "rue Sainte-Anne", "rue Ste Anne"],
    ["2e Rang", "2ème rang", "deuxième rang", "2ième Rg", "rang 2e"],
    ["route 169", "rte 169"],
]  # fmt: skip
SAME_NUMBER = [
    ["415", "0415", " 415 ", "415."],
    ["9A", "9 a", "9-A", "09a"],
    ["415-419", "415 à 419", "415 – 419", "415 - 419"],
    ["12 1/2", "12½", "12 ½"],
]
SAME_UNIT = [["3", "app. 3", "#3", "App 3", "apt. 3", "unité 3"], ["2B", "app 2-b", "# 2 b"]]


@pytest.mark.parametrize("ways", SAME_STREET)
def test_a_street_has_one_key(ways):
    assert len({rules.street_key(way) for way in ways}) == 1


@pytest.mark.parametrize("ways", SAME_NUMBER)
def test_a_number_has_one_key(ways):
    assert len({rules.number_key(way) for way in ways}) == 1


@pytest.mark.parametrize("ways", SAME_UNIT)
def test_a_unit_has_one_key(ways):
    assert len({rules.unit_key(way) for way in ways}) == 1


def test_different_addresses_have_different_keys():
    different = [
        ("415", "rue des Pins", ""), ("415", "avenue des Pins", ""), ("415A", "rue des Pins", ""),
        ("415", "rue des Pins", "1"), ("415", "rue des Pins Est", ""), ("41", "5 rue des Pins", ""),
        ("415", "rue A", ""), ("415", "rue D", ""), ("415", "rue E", ""), ("415", "1re Rue", ""),
        ("415", "2e Rue", ""), ("415-417", "rue des Pins", ""), ("4151", "rue des Pins", ""),
        ("415", "rue 1", ""), ("415 1/2", "rue des Pins", ""), ("4151/2", "rue des Pins", ""),
    ]  # fmt: skip
    assert len({rules.address_key(*one) for one in different}) == len(different)


words = st.text(alphabet=string.ascii_letters + "éèêëàâçîïôùûœÉÈÀŒ '’-.", min_size=1, max_size=30)


@given(words)
def test_case_apostrophes_and_hyphens_do_not_matter(street):
    key = rules.street_key(street)
    assert rules.street_key(street.upper()) == key
    assert rules.street_key(street.replace("'", "’")) == key
    assert rules.street_key(street.replace("-", " ")) == key
    assert rules.street_key(f"  {street}  ") == key


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=200))
def test_any_text_has_a_key_that_fits(number, street, unit):
    key = rules.address_key(number, street, unit)
    assert len(key) <= 240
    assert len(rules.street_key(street)) <= 160
    assert all(c.isascii() for c in key)
    low, high = rules.number_span(number)
    assert (low is None) == (high is None)
    assert low is None or 0 <= low <= high <= 999_999


@given(st.text(max_size=300))
def test_any_text_can_be_read_and_its_words_are_safe_lexemes(text):
    for reading in rules.readings(text):
        for word in reading.words:
            for choice in rules.alternatives(word):
                assert set(choice.removesuffix(":*")) <= set(
                    string.ascii_lowercase + string.digits + "/"
                )


@given(st.integers(1, 99_999))
def test_a_number_typed_in_part_is_in_the_ranges(number):
    for length in range(1, len(str(number)) + 1):
        prefix = int(str(number)[:length])
        assert any(low <= number <= high for low, high in rules.number_ranges(prefix))


def test_words_looked_for_are_written_out():
    assert rules.search_tokens("415, boul. St-Joseph #3") == [
        "415",
        "boulevard",
        "saint",
        "joseph",
        "3",
    ]
    assert rules.search_tokens("12 1ère av G8B 5V2") == ["12", "1e", "avenue"]
