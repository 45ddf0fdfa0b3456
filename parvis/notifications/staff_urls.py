from django.urls import path

from parvis.notifications import staff

app_name = "notifications_staff"
urlpatterns = [
    path("", staff.index, name="index"),
    path("<int:message_id>/", staff.proof_page, name="proof"),
    path("<int:message_id>/reponses/", staff.replies, name="replies"),
    path("<int:message_id>/preuve.csv", staff.proof_csv, name="csv"),
    path("<int:message_id>/arreter/", staff.stop, name="stop"),
    path("adresses/<int:bad_id>/", staff.correct, name="correct"),
]
