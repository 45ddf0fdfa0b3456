"""The resident's own pages, under /moi/."""

from django.urls import path

from parvis.residents import household_views, phone_views, views

app_name = "residents"
urlpatterns = [
    path("", views.overview, name="me"),
    path("nom/", views.profile, name="profile"),
    path("telephones/", phone_views.phones, name="phones"),
    path("telephones/<int:phone_id>/", phone_views.phone, name="phone"),
    path("telephones/<int:phone_id>/code/", phone_views.send_code, name="phone_code"),
    path("telephones/<int:phone_id>/verifier/", phone_views.try_code, name="phone_verify"),
    path("telephones/<int:phone_id>/retirer/", phone_views.remove, name="remove_phone"),
    path("adresses/", views.places, name="places"),
    path("adresses/<int:place_id>/", views.place, name="place"),
    path("adresses/<int:place_id>/retirer/", views.remove_place, name="remove_place"),
    path("menage/", household_views.mine, name="households"),
    path("menage/<int:household_id>/", household_views.household, name="household"),
    path("menage/<int:household_id>/inviter/", household_views.invite, name="household_invite"),
    path("menage/<int:household_id>/enfant/", household_views.add_child, name="household_child"),
    path(
        "menage/<int:household_id>/<int:member_id>/role/",
        household_views.change_role,
        name="household_role",
    ),
    path(
        "menage/<int:household_id>/<int:member_id>/retirer/",
        household_views.remove_member,
        name="household_remove",
    ),
    path("menage/invitation/<str:token>/", household_views.invitation, name="household_invitation"),
    path("consentements/", views.consents, name="consents"),
    path("protection/", views.security, name="security"),
    path("protection/deconnecter/", views.end_sessions, name="end_sessions"),
    path("donnees/", views.data, name="data"),
    path("donnees/telecharger/", views.download, name="download"),
    path("effacer/", views.erase, name="erase"),
    path("efface/", views.erased, name="erased"),
]
