"""The counter, under /bureau/citoyens/."""

from django.urls import path

from parvis.residents import staff

app_name = "residents_staff"
urlpatterns = [
    path("", staff.people, name="people"),
    path("ouvrir/", staff.open_account, name="open"),
    path("<int:person_id>/", staff.person, name="person"),
    path("<int:person_id>/nom/", staff.profile, name="profile"),
    path("<int:person_id>/telephones/", staff.add_phone, name="add_phone"),
    path(
        "<int:person_id>/telephones/<int:phone_id>/verifier/",
        staff.verify_phone,
        name="verify_phone",
    ),
    path(
        "<int:person_id>/telephones/<int:phone_id>/retirer/",
        staff.remove_phone,
        name="remove_phone",
    ),
    path("<int:person_id>/adresses/", staff.add_place, name="add_place"),
    path("<int:person_id>/adresses/<int:place_id>/", staff.place, name="place"),
    path(
        "<int:person_id>/adresses/<int:place_id>/retirer/",
        staff.remove_place,
        name="remove_place",
    ),
]
