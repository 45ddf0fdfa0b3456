from parvis.municipalities.models import AuditLine
from parvis.notifications.models import Subject
from parvis.notifications.subjects import EMERGENCY, FIRST, ICONS, open_with_subjects


def named(town):
    return list(Subject.objects.of(town).values_list("name", "is_emergency", "position"))


def test_a_town_begins_with_the_emergencies_and_five_subjects(town):
    open_with_subjects(town)
    assert named(town) == [
        ("Urgences", True, 0),
        ("Eau", False, 1),
        ("Rues et travaux", False, 2),
        ("Collectes", False, 3),
        ("Loisirs et culture", False, 4),
        ("Vie municipale", False, 5),
    ]
    assert {icon for _name, _detail, icon in (EMERGENCY, *FIRST)} <= ICONS.keys()


def test_what_a_town_has_already_stays_as_it_is(town):
    Subject.objects.create(municipality=town, name="Sécurité", is_emergency=True)
    water = Subject.objects.create(municipality=town, name="Eau", detail="Puits", position=1)
    open_with_subjects(town)
    open_with_subjects(town)
    assert [name for name, _emergency, _position in named(town)] == [
        "Sécurité", "Eau", "Rues et travaux", "Collectes", "Loisirs et culture", "Vie municipale",
    ]  # fmt: skip
    water.refresh_from_db()
    assert water.detail == "Puits"
    added = AuditLine.objects.of(town).filter(deed="notifications.subject_added")
    assert added.count() == 4
