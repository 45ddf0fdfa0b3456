"""What a resident asks of the town, under /mes-demandes/."""

from django.urls import path

from parvis.cases import views

app_name = "cases"
urlpatterns = [
    path("", views.mine, name="mine"),
    path("ecrire/", views.write, name="write"),
    path("<int:case_id>/", views.page, name="page"),
    path("<int:case_id>/retirer/", views.withdraw, name="withdraw"),
]
