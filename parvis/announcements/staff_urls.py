from django.urls import path

from parvis.announcements import staff, staff_editor, staff_publish

app_name = "announcements_staff"
urlpatterns = [
    path("", staff.index, name="index"),
    path("nouveau/", staff_editor.new, name="new"),
    path("<int:pk>/", staff.detail, name="one"),
    path("<int:pk>/modifier/", staff_editor.edit, name="edit"),
    path("<int:pk>/enregistrer/", staff_editor.autosave, name="autosave"),
    path("<int:pk>/apercu/", staff_editor.look, name="look"),
    path("<int:pk>/destinataires/", staff_editor.recount, name="recount"),
    path("<int:pk>/relire/", staff_publish.review, name="review"),
    path("<int:pk>/relire-la-modification/", staff_publish.revise, name="revise"),
    path("<int:pk>/deplanifier/", staff.unschedule, name="unschedule"),
    path("<int:pk>/lever/", staff.lift, name="lift"),
    path("<int:pk>/epingler/", staff.pin, name="pin"),
    path("<int:pk>/archiver/", staff.archive, name="archive"),
    path("<int:pk>/jeter/", staff.discard, name="discard"),
    path("<int:pk>/certifier/", staff.certify, name="certify"),
]
