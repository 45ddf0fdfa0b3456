"""The front door, and what browsers, robots and monitors ask of every site."""

from django.urls import path

from parvis.home import views, views_app, views_watch

urlpatterns = [
    path("", views.front, name="home"),
    path("chercher/", views.search, name="search"),
    path("aide/", views.help_page, name="help"),
    path("accessibilite/", views.accessibility, name="accessibility"),
    path("confidentialite/", views.privacy, name="privacy"),
    path("langue/<str:language>/", views.speak, name="speak"),
    path("hors-ligne/", views_app.offline, name="offline"),
    path("theme.css", views_app.theme, name="theme"),
    path("blason", views_app.crest, name="crest"),
    path("icones/<int:size>.png", views_app.icon, name="icon"),
    path("icones/masque-<int:size>.png", views_app.maskable_icon, name="maskable_icon"),
    path("icones/pastille.png", views_app.badge, name="badge"),
    path("manifest.webmanifest", views_app.manifest, name="manifest"),
    path("sw.js", views_app.worker, name="worker"),
    path("healthz", views_watch.healthz, name="healthz"),
    path("readyz", views_watch.readyz, name="readyz"),
    path("metrics", views_watch.metrics, name="metrics"),
    path("robots.txt", views_watch.robots, name="robots"),
    path(".well-known/security.txt", views_watch.security, name="security"),
]
