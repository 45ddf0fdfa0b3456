"""Where each door is."""

from django.conf import settings
from django.urls import include, path

from parvis.core.middleware import crashed

handler500 = crashed

urlpatterns = [
    path("", include("parvis.home.urls")),
    path("compte/", include("parvis.residents.account_urls")),
    path("compte/", include("allauth.urls")),
    path("moi/", include("parvis.residents.urls")),
    path("mes-avis/", include("parvis.notifications.urls")),
    path("mes-demandes/", include("parvis.cases.urls")),
    path("avis/", include("parvis.announcements.urls")),
    path("reserver/", include("parvis.reservations.urls")),
    path("", include("parvis.alerts.feed_urls")),
    path("alertes/", include("parvis.alerts.urls")),
    path("adresses/", include("parvis.territory.urls")),
    path("fichiers/", include("parvis.core.file_urls")),
    path("bureau/", include("parvis.backoffice.urls")),
    path("bureau/avis/", include("parvis.announcements.staff_urls")),
    path("bureau/alertes/", include("parvis.alerts.staff_urls")),
    path("bureau/demandes/", include("parvis.cases.staff_urls")),
    path("bureau/envois/", include("parvis.notifications.staff_urls")),
    path("bureau/citoyens/", include("parvis.residents.staff_urls")),
    path("bureau/reservations/", include("parvis.reservations.staff_urls")),
    path("bureau/territoire/", include("parvis.territory.staff_urls")),
    path("api/v1/", include("parvis.api.urls")),
]
if settings.DEMO:
    urlpatterns.append(path("demo/", include("parvis.demo.urls")))
