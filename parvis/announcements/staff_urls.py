from django.urls import URLPattern

app_name = "announcements_staff"
urlpatterns: list[URLPattern] = []
