from django.urls import URLPattern

app_name = "notifications_staff"
urlpatterns: list[URLPattern] = []
