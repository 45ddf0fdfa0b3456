from django.urls import path

from parvis.home import views

urlpatterns = [
    path("", views.front, name="home"),
    path("healthz", views.healthz, name="healthz"),
]
