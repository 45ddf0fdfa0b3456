"""The public API, version 1."""

from parvis.api.v1 import api
from parvis.api.v1.doors import opened

app_name = "api"
urlpatterns = opened(api.urls[0])
