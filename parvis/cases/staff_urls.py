"""Cases at the Bureau, under /bureau/demandes/."""

from django.urls import path

from parvis.cases import staff, staff_case

app_name = "cases_staff"
urlpatterns = [
    path("", staff.index, name="index"),
    path("nouvelle/", staff.new, name="new"),
    path("jours-fermes/", staff.closures, name="closures"),
    path("jours-fermes/<int:closed_day_id>/retirer/", staff.reopen_day, name="reopen_day"),
    path("<int:case_id>/", staff_case.detail, name="one"),
    path("<int:case_id>/repondre/", staff_case.answer, name="answer"),
    path("<int:case_id>/note/", staff_case.note, name="note"),
    path("<int:case_id>/confier/", staff_case.assign, name="assign"),
    path("<int:case_id>/etat/", staff_case.move, name="move"),
    path("<int:case_id>/retirer/", staff_case.withdraw, name="withdraw"),
    path("<int:case_id>/courriels/<int:letter_id>/", staff_case.settle, name="settle"),
    path("<int:case_id>/promesse/", staff_case.promise, name="promise"),
]
