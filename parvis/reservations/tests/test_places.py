"""The way to a map."""

from __future__ import annotations

from parvis.reservations.tests import make
from parvis.residents.tests import make as people
from parvis.territory.tests import make as territory


def test_a_place_whose_address_is_known_leads_to_a_map_and_loads_nothing(client, town):
    where = territory.address(town, "12", latitude=48.55, longitude=-71.649999)
    hall = make.space(town, address=where)
    answer = people.visitor(client, town).get(f"/reserver/{hall.pk}/")
    page = answer.content.decode()
    marked = "mlat=48.55000&amp;mlon=-71.65000#map=17/48.55000/-71.65000"
    assert f'href="https://www.openstreetmap.org/?{marked}"' in page
    # One link, and nothing else of theirs: no picture, no frame, no script.
    assert page.count("openstreetmap.org") == 1
    assert "openstreetmap" not in answer.headers["Content-Security-Policy"]


def test_without_a_known_place_there_is_no_link(client, town):
    visitor = people.visitor(client, town)
    for hall in (
        make.space(town),
        make.space(town, address=territory.address(town, "14")),
        make.space(town, address=territory.address(town, "16", latitude=48.5)),
    ):
        assert "openstreetmap" not in visitor.get(f"/reserver/{hall.pk}/").content.decode()
