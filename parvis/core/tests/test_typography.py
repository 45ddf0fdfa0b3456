from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django import forms
from django.template import Context, Template, TemplateSyntaxError
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.safestring import mark_safe
from hypothesis import given
from hypothesis import strategies as st

from parvis.core import typography
from parvis.core.typography import NBSP, THIN, french, french_html

TODAY = date(2026, 5, 20)

words = st.lists(
    st.sampled_from(
        list(" '«»;?!:$%×=1234.") + ["h", "05", "mai", "jours", "1er", NBSP, THIN, "<b>", "&#39;"]
    )
).map("".join)


@pytest.mark.parametrize(
    ("typed", "set_"),
    [
        ("Rien reçu ?", f"Rien reçu{THIN}?"),
        ("« moi » : oui", f"«{NBSP}moi{NBSP}»{NBSP}: oui"),
        ("l'eau à 604,48 $", f"l’eau à 604,48{NBSP}$"),
        ("1 284 567 réponses", f"1{NBSP}284{NBSP}567{NBSP}réponses"),
        ("à 14 h 05, le 1er mai", f"à 14{NBSP}h{NBSP}05, le 1er{NBSP}mai"),
        ("7 h du matin, 20 mai", f"7{NBSP}h du matin, 20{NBSP}mai"),
        ("3 maisons, 2 hommes", "3 maisons, 2 hommes"),
        ("12:30 https://x.ca/?a=b;c", "12:30 https://x.ca/?a=b;c"),
    ],
)
def test_spaces_follow_quebec_usage(typed, set_):
    assert french(typed) == set_


@given(words | st.text())
def test_setting_twice_changes_nothing_more(text):
    assert french(french(text)) == french(text)


@given(words | st.text())
def test_only_spaces_and_apostrophes_change(text):
    def bare(value):
        return value.replace(NBSP, " ").replace(THIN, " ").replace("’", "'")

    assert bare(french(text)) == bare(text)
    assert len(french(text)) == len(text)


def test_markup_is_left_alone():
    typed = """<a title='l > d' href="?a=1 ;b">l'eau ?</a> <code>a ? b</code> <!-- ' --> &#x27;"""
    assert french_html(typed) == (
        f"""<a title='l > d' href="?a=1 ;b">l’eau{THIN}?</a> <code>a ? b</code> <!-- ' --> ’"""
    )


@pytest.mark.parametrize(
    ("value", "in_french", "in_english"),
    [
        (0, "0", "0"),
        (1284, f"1{NBSP}284", "1,284"),
        (-1284567, f"-1{NBSP}284{NBSP}567", "-1,284,567"),
        (3.5, "3,5", "3.5"),
        (Decimal("1604.40"), f"1{NBSP}604,40", "1,604.40"),
    ],
)
def test_numbers(value, in_french, in_english):
    assert typography.number(value) == in_french
    assert typography.number(value, english=True) == in_english


@pytest.mark.parametrize(
    ("amount", "in_french", "in_english"),
    [
        (Decimal("57.49"), f"57,49{NBSP}$", "$57.49"),
        (Decimal("0"), f"0,00{NBSP}$", "$0.00"),
        (Decimal("1284.5"), f"1{NBSP}284,50{NBSP}$", "$1,284.50"),
    ],
)
def test_amounts(amount, in_french, in_english):
    assert typography.money(amount) == in_french
    assert typography.money(amount, english=True) == in_english


@pytest.mark.parametrize(
    ("hour", "minute", "in_french", "in_english"),
    [
        (14, 5, f"14{NBSP}h{NBSP}05", f"2:05{NBSP}p.m."),
        (7, 0, f"7{NBSP}h", f"7{NBSP}a.m."),
        (0, 0, f"0{NBSP}h", f"12{NBSP}a.m."),
        (12, 30, f"12{NBSP}h{NBSP}30", f"12:30{NBSP}p.m."),
    ],
)
def test_hours(hour, minute, in_french, in_english):
    at = datetime(2026, 5, 20, hour, minute, tzinfo=UTC)
    assert typography.moment(at) == in_french
    assert typography.moment(at, english=True) == in_english


def test_days():
    assert typography.day(TODAY) == f"mercredi 20{NBSP}mai 2026"
    assert typography.day(date(2026, 5, 1)) == f"vendredi 1er{NBSP}mai 2026"
    assert typography.day(date(2026, 5, 1), english=True) == f"Friday, May{NBSP}1, 2026"


@pytest.mark.parametrize(
    ("at", "in_french", "in_english"),
    [
        (datetime(2026, 5, 20, 14, 5, tzinfo=UTC), "aujourd’hui à 14 h 05", "today at 2:05 p.m."),
        (datetime(2026, 5, 19, 9, 10, tzinfo=UTC), "hier à 9 h 10", "yesterday at 9:10 a.m."),
        (datetime(2026, 5, 21, 7, tzinfo=UTC), "demain à 7 h", "tomorrow at 7 a.m."),
        (datetime(2026, 5, 18, 9, 10, tzinfo=UTC), "le 18 mai à 9 h 10", "May 18 at 9:10 a.m."),
        (
            datetime(2025, 12, 1, 9, 10, tzinfo=UTC),
            "le 1er décembre 2025 à 9 h 10",
            "December 1, 2025 at 9:10 a.m.",
        ),
        (date(2026, 5, 19), "hier", "yesterday"),
        (date(2026, 6, 1), "le 1er juin", "June 1"),
    ],
)
def test_days_are_said_as_one_would_today(at, in_french, in_english):
    said = typography.when(at, today=TODAY), typography.when(at, today=TODAY, english=True)
    assert tuple(each.replace(NBSP, " ") for each in said) == (in_french, in_english)


def rendered(source, **context):
    return Template("{% load parvis %}" + source).render(Context(context))


def test_what_a_resident_typed_stays_escaped():
    typed = "<b onclick='x'>Rien ?</b>"
    assert "<b" not in rendered("{{ text|french }}", text=typed)
    assert f"Rien{THIN}?" in rendered("{{ text|french }}", text=typed)
    assert "<i>" in rendered("{{ text|french }}", text=mark_safe("<i>Rien ?</i>"))


def test_an_hour_is_said_in_the_zone_and_the_language_of_the_page():
    at = datetime(2026, 5, 20, 18, 5, tzinfo=UTC)
    with timezone.override("America/Toronto"):
        with translation.override("fr-ca"):
            assert rendered("{{ at|moment }}", at=at) == f"14{NBSP}h{NBSP}05"
        with translation.override("en"):
            assert rendered("{{ at|moment }}", at=at) == f"2:05{NBSP}p.m."
    assert rendered("{{ at|moment }}{{ at|when }}{{ at|number }}", at=None) == ""


class ContactForm(forms.Form):
    courriel = forms.EmailField(label="Courriel", help_text="Pour vos <rappels>")
    canal = forms.ChoiceField(choices=[("t", "Texto")], widget=forms.RadioSelect)


def test_a_wrong_field_says_so_to_everyone():
    form = ContactForm({"courriel": "x"})
    field = rendered("{% field form.courriel %}", form=form)
    assert 'aria-describedby="id_courriel_error id_courriel_hint"' in field
    assert field.count("aria-invalid") == 1
    assert 'id="id_courriel_error"' in field and 'id="id_courriel_hint"' in field
    assert "&lt;rappels&gt;" in field
    summary = rendered("{% errors form %}", form=form)
    assert 'role="alert"' in summary and 'tabindex="-1"' in summary
    assert 'href="#id_courriel"' in summary and 'href="#id_canal_0"' in summary
    assert 'id="id_canal_0"' in rendered("{% field form.canal %}", form=form)


def test_a_right_form_says_nothing():
    form = ContactForm({"courriel": "x@exemple.ca", "canal": "t"})
    assert rendered("{% errors form %}", form=form).strip() == ""
    assert "aria-invalid" not in rendered("{% field form.courriel %}", form=form)


def test_an_icon_that_is_not_collected_is_a_mistake():
    with pytest.raises(TemplateSyntaxError):
        rendered('{% icon "licorne" %}')
    assert "#i-bell" in rendered('{% icon "bell" %}')


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500", "503", "unknown_host"])
def test_a_page_for_what_went_wrong_stands_alone(name):
    page = render_to_string(f"{name}.html", {})
    assert "<h1>" in page and "<script" not in page and "style=" not in page
