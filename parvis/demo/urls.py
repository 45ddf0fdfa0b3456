from django.urls import path

from parvis.demo import phone_views, views

app_name = "demo"
urlpatterns = [
    path("code", views.code, name="code"),
    path("telephone", phone_views.telephone, name="telephone"),
    path("telephone/repondre", phone_views.answer, name="answer"),
    path("courriels", views.letters, name="letters"),
    path("courriels/<str:name>", views.letter, name="letter"),
    path("courriels/<str:name>/html", views.letter_html, name="letter_html"),
]
