"""What a text message carries: every corner of its alphabets, its cuts and its words."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parvis.notifications import sms_text
from parvis.notifications.sms_text import Alphabet, Answer, carried, compose, measure, shortened

LINK = "https://portail.alma.ca/mes-avis/recus/12/?par=text"


@pytest.mark.parametrize(
    ("text", "alphabet", "units", "segments"),
    [
        ("", Alphabet.GSM_7, 0, 0),
        ("a" * 160, Alphabet.GSM_7, 160, 1),
        ("a" * 161, Alphabet.GSM_7, 161, 2),
        ("a" * 306, Alphabet.GSM_7, 306, 2),
        ("a" * 307, Alphabet.GSM_7, 307, 3),
        ("é" * 160, Alphabet.GSM_7, 160, 1),
        ("€" * 80, Alphabet.GSM_7, 160, 1),
        ("€" * 80 + "a", Alphabet.GSM_7, 161, 2),
        ("ê" * 70, Alphabet.UCS_2, 70, 1),
        ("ê" * 71, Alphabet.UCS_2, 71, 2),
        ("ê" * 134, Alphabet.UCS_2, 134, 2),
        ("ê" * 135, Alphabet.UCS_2, 135, 3),
        ("a" * 159 + "’", Alphabet.UCS_2, 160, 3),
        ("🚨" * 35, Alphabet.UCS_2, 70, 1),
    ],
)
def test_a_text_is_measured_to_the_place(text, alphabet, units, segments):
    found = measure(text)
    assert (found.alphabet, found.units, found.segments) == (alphabet, units, segments)


def test_the_end_of_a_segment_parts_no_pair():
    """152 letters, then a euro sign (two places): it opens the second segment whole."""
    text = "a" * 152 + "€" + "a" * 151
    assert measure(text).units == 305
    assert measure(text).segments == 2
    # Without the rule 306 places would be two segments; with it the last letter opens a third.
    assert measure("a" * 152 + "€" + "a" * 152).segments == 3
    assert measure("ê" * 66 + "🚨" + "ê" * 66).segments == 3
    assert measure("ê" * 67 + "🚨" + "ê" * 65).segments == 2


def test_what_a_message_costs_is_its_segments():
    assert measure("a" * 161).cost(Decimal("0.0083")) == Decimal("0.0166")


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("L’eau n’est pas potable…", "L'eau n'est pas potable..."),
        ("«\u00a0Évitez la rue\u202f!\u00a0»", '"Evitez la rue!"'.replace("E", "É")),
        ("Début\u00a0: 12\u00a0h\u202f; fin inconnue", "Début : 12 h; fin inconnue"),
        ("Œuvres, sœur, bœuf", "OEuvres, soeur, boeuf"),
        ("À l’hôtel, forêt, reçu, Noël, naïf", "A l'hotel, foret, recu, Noel, naif"),
        ("é è à ù É Ç", "é è à ù É Ç"),
        ("e\u0301te\u0301", "été"),
        ("1\u00a0500\u00a0$ – 20\u00a0%", "1 500 $ - 20 %"),
        ("coût : 5 €", "cout : 5 €"),
        ("−30\u00a0°C au n° 12", "-30 C au no 12"),
    ],
)  # fmt: skip
def test_french_is_said_in_the_alphabet_of_texts(written, sent):
    assert carried(written) == sent
    assert measure(carried(written)).alphabet is Alphabet.GSM_7


def test_another_script_keeps_every_accent_since_it_costs_the_same():
    assert carried("Forêt ᓄᓇ") == "Forêt ᓄᓇ"
    assert measure(carried("Forêt ᓄᓇ")).alphabet is Alphabet.UCS_2


LONG = (
    "Faites bouillir l’eau une minute avant de la boire, de laver des aliments ou vos dents. " * 6
)


def test_a_text_says_who_writes_and_how_to_end_it():
    text = compose(
        {"title": "Aqueduc fermé rue Scott", "body": "De 9 h à midi."}, sender="Ville d’Alma",
        language="fr", link=LINK,
    )  # fmt: skip
    assert text == (
        f"Ville d'Alma : Aqueduc fermé rue Scott. De 9 h à midi. {LINK} ARRET pour cesser."
    )


def test_an_emergency_asks_for_an_answer_and_offers_no_end():
    words = {"title": "Avis d’ébullition", "body": ""}
    text = compose(words, sender="Alma", language="fr", link="", may_stop=False, asks=True)
    assert text == "Alma : Avis d'ébullition. Répondez 1 = vu, 2 = besoin d'aide."
    assert "ARRET" not in text
    english = compose(words, sender="Alma", language="en", may_stop=False, asks=True)
    assert english.endswith("Reply 1 = seen, 2 = need help.")


def test_what_its_author_wrote_for_a_text_is_sent_instead_of_title_and_body():
    words = {"title": "Titre", "body": "Corps", "text_message": "Évacuez la rue Scott maintenant."}
    text = compose(words, sender="Alma", language="fr", may_stop=False)
    assert text == "Alma : Évacuez la rue Scott maintenant."


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_long_body_is_cut_after_a_word_and_never_the_link_or_the_way_to_end(most):
    text = compose(
        {"title": "Avis", "body": LONG}, sender="Alma", language="fr", link=LINK, most_segments=most
    )
    assert measure(text).segments == most
    assert text.endswith(f"... {LINK} ARRET pour cesser.")


def test_a_code_is_offered_to_our_page_alone():
    text = sms_text.code_text(
        sender="Alma", code="482913", minutes=10, language="fr", host="alma.exemple.ca"
    )
    assert text.splitlines()[-1] == "@alma.exemple.ca #482913"
    assert measure(text).segments == 1


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("1", Answer.SEEN), (" 1. ", Answer.SEEN), ("Vu", Answer.SEEN),
        ("2", Answer.HELP), ("2!", Answer.HELP), ("Besoin d’aide", Answer.HELP),
        ("ARRET", Answer.STOP), ("Arrêt", Answer.STOP), ("stop.", Answer.STOP),
        ("UNSTOP", Answer.START), ("Reprendre", Answer.START),
        ("AIDE", Answer.ABOUT), ("help", Answer.ABOUT),
        ("Merci beaucoup", Answer.OTHER), ("12", Answer.OTHER), ("", Answer.OTHER),
        ("ne pas arrêter", Answer.OTHER),
    ],
)  # fmt: skip
def test_an_answer_is_read_as_people_write_it(said, answer):
    assert sms_text.read_answer(said) is answer


ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=700)


@given(ANY)
def test_cutting_a_text_and_counting_it_agree(text):
    found = measure(text)
    alphabet, each = sms_text.widths(text)
    single, several = (160, 153) if alphabet is Alphabet.GSM_7 else (70, 67)
    assert found.units == sum(each)
    least = 1 if found.units <= single else -(-found.units // several)
    assert (least if text else 0) <= found.segments <= least + least // several + 1
    assert 0 <= found.left <= single


@given(ANY)
def test_what_is_carried_is_never_dearer_and_carried_twice_is_the_same(text):
    sent = carried(text)
    assert carried(sent) == sent
    if measure(text).alphabet is Alphabet.GSM_7:
        assert measure(sent).alphabet is Alphabet.GSM_7


@given(ANY, st.integers(4, 500))
def test_a_shortened_text_fits_and_is_its_own_beginning(text, units):
    short = shortened(text, units)
    assert sum(sms_text.widths(short)[1]) <= max(units, 3)
    if short != text:
        assert short.endswith("...")
        assert text.startswith(short.removesuffix("..."))


@given(ANY, ANY, st.booleans(), st.booleans(), st.integers(1, 3))
def test_whatever_is_written_sender_link_and_way_out_arrive_within_the_segments(
    title, body, may_stop, asks, most
):
    text = compose(
        {"title": title, "body": body}, sender="Ville d’Alma", language="fr", link="alma.ca/a/12",
        may_stop=may_stop, asks=asks, most_segments=most,
    )  # fmt: skip
    assert text.startswith("Ville d'Alma :")
    assert "alma.ca/a/12" in text
    assert ("ARRET" in text.removeprefix("Ville d'Alma : ")) >= may_stop
    if most > 1 or measure(text).alphabet is Alphabet.GSM_7:
        assert measure(text).segments <= most
