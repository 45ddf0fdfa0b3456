from django.urls import path

from parvis.alerts import feeds

app_name = "alert_feeds"
urlpatterns = [
    path("alertes.atom", feeds.atom, name="atom"),
    path("alertes/<int:alert_id>.cap.xml", feeds.newest, name="newest"),
    path("alertes/<int:alert_id>-<int:number>.cap.xml", feeds.revision, name="revision"),
    path("alertes/certificat.pem", feeds.certificates, name="certificates"),
]
