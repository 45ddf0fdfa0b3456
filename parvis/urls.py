"""Where each door is."""

from django.urls import include, path

from parvis.core.middleware import crashed

handler500 = crashed

urlpatterns = [
    path("", include("parvis.home.urls")),
    path("compte/", include("allauth.urls")),
]
