from django.urls import path

from parvis.reservations import (
    views,
    views_busy,
    views_calendar,
    views_loans,
    views_mine,
    views_waiting,
)

app_name = "reservations"
urlpatterns = [
    path("", views.index, name="index"),
    path("materiel/", views_loans.loan, name="loan"),
    path("confirmer/", views.confirm, name="confirm"),
    path("<int:resource_id>/", views.resource, name="resource"),
    path("<int:resource_id>/attente/", views_waiting.join, name="join"),
    path("mes-reservations/attente/<int:wait_id>/", views_waiting.wait, name="wait"),
    path("mes-reservations/attente/<int:wait_id>/quitter/", views_waiting.leave, name="leave_line"),
    path("<int:resource_id>/calendrier.ics", views_busy.busy, name="busy"),
    path("mes-reservations/", views_mine.mine, name="mine"),
    path("mes-reservations/calendrier/", views_mine.feed, name="feed"),
    path("mes-reservations/calendrier/fermer/", views_mine.close_feed, name="close_feed"),
    path("mes-reservations/<int:booking_id>/", views_mine.booking, name="booking"),
    path("mes-reservations/<int:booking_id>/modifier/", views_mine.change, name="change"),
    path("mes-reservations/<int:booking_id>/annuler/", views_mine.cancel, name="cancel"),
    path("mes-reservations/<int:booking_id>/porte/", views_mine.door, name="door"),
    path("mes-reservations/<int:booking_id>/calendrier.ics", views_calendar.one, name="ics"),
    path("calendrier/<str:token>.ics", views_calendar.private, name="private_feed"),
]
