"""Text goes compressed to who can read it so; pictures go as they are."""

import gzip

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_a_page_is_sent_compressed_to_who_accepts_it(town):
    visitor = Client(HTTP_HOST="alma.localhost")
    plain = visitor.get("/avis/")
    small = visitor.get("/avis/", HTTP_ACCEPT_ENCODING="gzip, br")
    assert plain.get("Content-Encoding") is None
    assert small["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in small["Vary"]
    assert "</html>" in gzip.decompress(small.content).decode()
    assert len(small.content) * 2 < len(plain.content)


def test_a_compressed_page_is_recognised_when_it_is_asked_about_again(town):
    visitor = Client(HTTP_HOST="alma.localhost", HTTP_ACCEPT_ENCODING="gzip")
    etag = visitor.get("/avis/")["ETag"]
    assert etag.startswith("W/")
    assert visitor.get("/avis/", HTTP_IF_NONE_MATCH=etag).status_code == 304


def test_a_picture_is_not_compressed_again(town):
    icon = Client(HTTP_HOST="alma.localhost").get("/icones/192.png", HTTP_ACCEPT_ENCODING="gzip")
    assert icon.status_code == 200
    assert icon.get("Content-Encoding") is None
