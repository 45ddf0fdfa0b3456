from django.urls import path

from parvis.reservations import (
    staff,
    staff_agenda,
    staff_blocks,
    staff_calendar,
    staff_counter,
    staff_lending,
    staff_waiting,
)

app_name = "reservations_staff"
urlpatterns = [
    path("", staff.queue, name="queue"),
    path("<int:booking_id>/", staff.booking, name="booking"),
    path("<int:booking_id>/accepter/", staff.approve, name="approve"),
    path("<int:booking_id>/refuser/", staff.refuse, name="refuse"),
    path("<int:booking_id>/annuler/", staff.cancel, name="cancel"),
    path("<int:booking_id>/deplacer/", staff.move, name="move"),
    path("<int:booking_id>/paiement/", staff.pay, name="pay"),
    path(
        "<int:booking_id>/paiement/<int:payment_id>/retirer/",
        staff.withdraw_payment,
        name="withdraw_payment",
    ),
    path("agenda/", staff_agenda.agenda, name="agenda"),
    path("<int:booking_id>/presence/", staff_agenda.note_presence, name="presence"),
    path("attente/", staff_waiting.waiting, name="waiting"),
    path("calendrier/", staff_calendar.day, name="day"),
    path("calendrier/<int:resource_id>/", staff_calendar.week, name="week"),
    path("calendrier/feuille/", staff_calendar.sheet, name="sheet"),
    path("occupation/", staff_calendar.occupancy, name="occupancy"),
    path("occupation.csv", staff_calendar.occupancy_csv, name="occupancy_csv"),
    path("comptoir/", staff_counter.counter, name="counter"),
    path("comptoir/<int:person_id>/", staff_counter.what, name="counter_what"),
    path("comptoir/<int:person_id>/<int:resource_id>/", staff_counter.book, name="counter_book"),
    path("blocages/", staff_blocks.blocks, name="blocks"),
    path("blocages/<int:resource_id>/", staff_blocks.block, name="block"),
    path("blocages/<int:block_id>/lever/", staff_blocks.lift, name="lift"),
    path("fermetures/", staff_blocks.close, name="close"),
    path("fermetures/<int:closure_id>/rouvrir/", staff_blocks.open_again, name="open_again"),
    path("ressources/", staff_lending.resources, name="resources"),
    path("ressources/nouvelle/<slug:kind>/", staff_lending.add, name="add"),
    path("ressources/importer/", staff_lending.bring_in, name="import"),
    path("ressources/<int:resource_id>/", staff_lending.edit, name="edit"),
    path("ressources/<int:resource_id>/etat/", staff_lending.set_state, name="set_state"),
    path("organismes/", staff_lending.organisations, name="organisations"),
    path("organismes/<int:organisation_id>/", staff_lending.organisation, name="organisation"),
    path(
        "organismes/<int:organisation_id>/personnes/", staff_lending.set_member, name="set_member"
    ),
]
