from django.urls import path

from parvis.backoffice import team, town, trail, views

app_name = "backoffice"
urlpatterns = [
    path("", views.my_day, name="day"),
    path("recherche/", views.search_page, name="search"),
    path("premiers-pas/", views.first_steps, name="first_steps"),
    path("equipe/", team.team_page, name="team"),
    path("equipe/inviter/", team.invite, name="invite"),
    path("equipe/invitations/<int:invitation_id>/retirer/", team.withdraw, name="withdraw"),
    path("equipe/<int:member_id>/", team.change_member, name="member"),
    path("equipe/<int:member_id>/depart/", team.end_work, name="end_work"),
    path("equipe/<int:member_id>/second-facteur/", team.reset_factor, name="reset_factor"),
    path("invitation/<str:token>/", team.invitation_page, name="invitation"),
    path("ville/", town.town_page, name="town"),
    path("ville/couleur/", town.colour, name="colour"),
    path("ville/hotes/", town.add_host, name="add_host"),
    path("ville/hotes/preuve/<str:token>/", town.prove_host, name="prove_host"),
    path("ville/hotes/<int:host_id>/principale/", town.make_main, name="main_host"),
    path("ville/hotes/<int:host_id>/retirer/", town.remove_host, name="remove_host"),
    path("sujets/", town.subjects_page, name="subjects"),
    path("sujets/<int:subject_id>/", town.change_subject, name="subject"),
    path("sujets/<int:subject_id>/place/", town.move_subject, name="move_subject"),
    path("sujets/<int:subject_id>/archiver/", town.archive_subject, name="archive_subject"),
    path("sujets/<int:subject_id>/remettre/", town.restore_subject, name="restore_subject"),
    path("journal/", trail.trail_page, name="trail"),
    path("journal/export.csv", trail.export, name="trail_csv"),
    path("journal/verification/", trail.verify, name="verify"),
]
