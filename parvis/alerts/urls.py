from django.urls import path

from parvis.alerts import views

app_name = "alerts"
urlpatterns = [
    path("", views.index, name="index"),
    path("bandeau/", views.banner, name="banner"),
    path("<int:alert_id>/", views.page, name="page"),
    path("<int:alert_id>/reponse/", views.answer, name="answer"),
]
