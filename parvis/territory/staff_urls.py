"""The territory, in the Bureau."""

from django.urls import URLPattern, path

from parvis.territory import staff

app_name = "territory_staff"
urlpatterns: list[URLPattern] = [
    path("", staff.sectors, name="sectors"),
    path("secteurs/nouveau/", staff.new_sector, name="new_sector"),
    path("secteurs/<int:sector_id>/", staff.sector_page, name="sector"),
    path("secteurs/<int:sector_id>/retirer/", staff.remove_sector, name="remove_sector"),
    path("adresses/", staff.addresses, name="addresses"),
    path("adresses/nouvelle/", staff.new_address, name="new_address"),
    path("adresses/<int:address_id>/", staff.address_page, name="address"),
    path("adresses/<int:address_id>/retirer/", staff.remove_address, name="remove_address"),
    path("importer/", staff.upload, name="upload"),
    path("importations/<int:import_id>/", staff.import_page, name="import"),
    path("importations/<int:import_id>/confirmer/", staff.confirm_import, name="confirm_import"),
    path("importations/<int:import_id>/abandonner/", staff.abandon_import, name="abandon_import"),
]
