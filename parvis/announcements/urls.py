from django.urls import path, re_path

from parvis.announcements import feeds, views

app_name = "announcements"
urlpatterns = [
    path("", views.index, name="index"),
    path("leves/", views.ended, name="ended"),
    path("archives/", views.archives, name="archives"),
    path("avis-publics/", views.public_notices, name="public_notices"),
    path("flux.atom", feeds.atom, name="atom"),
    path("flux.json", feeds.json_feed, name="json_feed"),
    re_path(r"^(?P<pk>[0-9]{1,18})-(?P<slug>[a-z0-9-]{1,60})/$", views.page, name="page"),
    path("<int:pk>/", views.short, name="short"),
    path("<int:pk>/certificat/", views.certificate, name="certificate"),
    path("<int:pk>/certificat.pdf", views.certificate_pdf, name="certificate_pdf"),
]
