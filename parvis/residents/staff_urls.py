from django.urls import URLPattern

app_name = "residents_staff"
urlpatterns: list[URLPattern] = []
