"""Streams: they say «look again» to those with a signed ticket, and to nobody else."""

from __future__ import annotations

import http.client
import select
import time

import pytest

from parvis.core import live
from parvis.municipalities.tests import make

pytestmark = pytest.mark.browser


def stream(portal, path: str, host: str) -> tuple[int, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=5)
    connection.request("GET", path, headers={"Host": host, "Accept": "text/event-stream"})
    response = connection.getresponse()
    return response.status, response


def lines(response, *, seconds: float) -> list[str]:
    """What arrives within so many seconds."""
    found, until, sock = b"", time.monotonic() + seconds, response.fp.raw._sock
    while (left := until - time.monotonic()) > 0:
        if select.select([sock], [], [], left)[0]:
            found += sock.recv(65536)
    return [line.strip() for line in found.decode().splitlines() if line.strip()]


def test_a_stream_hears_its_own_topics_and_no_other_towns(portal):
    alma, isle = make.municipality("alma"), make.municipality("isle")
    host = f"alma.localhost:{portal.port}"
    status, response = stream(portal, live.link(host, alma.pk, "inbox"), host)
    assert status == 200
    assert response.headers["Content-Type"].startswith("text/event-stream")
    time.sleep(0.5)
    live.publish(isle.pk, "inbox")
    live.publish(alma.pk, "message:1")
    live.publish(alma.pk, "inbox")
    heard = [line for line in lines(response, seconds=1.5) if line.startswith("data:")]
    # The listening connection may say «look» once more when it opens.
    assert set(heard) == {'data: "inbox"'}


def test_a_ticket_is_refused_at_another_host_altered_or_absent(portal):
    alma = make.municipality("alma")
    make.municipality("isle")
    host = f"alma.localhost:{portal.port}"
    link = live.link(host, alma.pk, "inbox")
    assert stream(portal, link, f"isle.localhost:{portal.port}")[0] == 403
    assert stream(portal, link[:-2], host)[0] == 403
    assert stream(portal, "/live/", host)[0] == 403


def test_an_unknown_host_and_a_forged_forwarded_host_get_a_clear_page(portal):
    make.municipality("alma")
    connection = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=5)
    connection.request(
        "GET", "/", headers={"Host": "inconnu.example", "X-Forwarded-Host": "alma.localhost"}
    )
    response = connection.getresponse()
    assert response.status == 404
    assert "Alma" not in response.read().decode()
