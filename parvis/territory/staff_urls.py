from django.urls import URLPattern

app_name = "territory_staff"
urlpatterns: list[URLPattern] = []
