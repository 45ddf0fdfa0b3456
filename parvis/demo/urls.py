from django.urls import path

from parvis.demo import views

app_name = "demo"
urlpatterns = [
    path("code", views.code, name="code"),
    path("courriels", views.letters, name="letters"),
    path("courriels/<str:name>", views.letter, name="letter"),
    path("courriels/<str:name>/html", views.letter_html, name="letter_html"),
]
