"""Addresses, as residents look them up."""

from django.urls import URLPattern, path

from parvis.territory import views

app_name = "territory"
urlpatterns: list[URLPattern] = [
    path("chercher/", views.search, name="pick"),
    path("chercher.json", views.search_json, name="pick_json"),
    path("mon-secteur/", views.my_sector, name="my_sector"),
]
