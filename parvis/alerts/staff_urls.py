from django.urls import path

from parvis.alerts import (
    staff,
    staff_compose,
    staff_coverage,
    staff_follow,
    staff_received,
    staff_rescue,
    staff_round,
    staff_sheet,
)

app_name = "alerts_staff"
urlpatterns = [
    path("", staff.index, name="index"),
    path("nouvelle/", staff.new, name="new"),
    path("couverture/", staff_coverage.coverage, name="coverage"),
    path("couverture/sans-contact/", staff_coverage.uncovered, name="uncovered"),
    path("couverture/sans-contact.csv", staff_coverage.uncovered_csv, name="uncovered_csv"),
    path("recus/", staff_received.received, name="received"),
    path("recus/<int:received_id>/commencer/", staff_received.begin, name="begin_from"),
    path("recus/<int:received_id>/ecarter/", staff_received.set_aside, name="set_aside"),
    path("recus/<int:received_id>.cap.xml", staff_received.received_file, name="received_file"),
    path("<int:alert_id>/", staff_follow.follow, name="follow"),
    path("<int:alert_id>/suite/", staff.go_on, name="go_on"),
    path("<int:alert_id>/jeter/", staff.discard, name="discard"),
    path("<int:alert_id>/taux/", staff.reach, name="reach"),
    path("<int:alert_id>/modifier/", staff_compose.edit, name="edit"),
    path("<int:alert_id>/apercu/", staff_compose.look, name="look"),
    path("<int:alert_id>/approuver/", staff_compose.review, name="review"),
    path("<int:alert_id>/reprendre/", staff_compose.take_back, name="take_back"),
    path("<int:alert_id>/non-jointes/", staff_follow.unreached, name="unreached"),
    path("<int:alert_id>/non-jointes.csv", staff_follow.unreached_csv, name="unreached_csv"),
    path("<int:alert_id>/message-<int:number>.csv", staff_follow.message_csv, name="csv"),
    path("<int:alert_id>/quebec-en-alerte.pdf", staff_sheet.sheet, name="sheet"),
    path("<int:alert_id>/secours/", staff_rescue.rescue, name="rescue"),
    path("<int:alert_id>/porte-a-porte/", staff_round.streets, name="round"),
    path("<int:alert_id>/porte-a-porte/rue/", staff_round.street, name="street"),
    path("<int:alert_id>/porte-a-porte/feuille/", staff_round.sheet, name="round_sheet"),
    path("<int:alert_id>/porte-a-porte/<int:address_id>/", staff_round.tick, name="tick"),
    path("secours/<int:answer_id>/prendre/", staff_rescue.take, name="take"),
]
