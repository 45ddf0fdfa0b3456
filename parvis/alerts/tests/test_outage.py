"""The alert page when the portal is dead: the example of the reverse proxy, run as it is."""

from __future__ import annotations

import getpass
import http.client
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.utils import timezone

from parvis.alerts import copies
from parvis.alerts.tests import alerts
from parvis.residents.tests import make

EXAMPLE = Path(__file__).parents[3] / "deploy" / "nginx.conf"
FRAME = """
daemon off; user {user}; pid {place}/pid; error_log {place}/error.log;
events {{ }}
http {{
  limit_req_zone $binary_remote_addr zone=parvis_all:1m rate=100r/s;
  {zones}
  access_log off; types {{ text/html html; text/css css; }}
  client_body_temp_path {place}/t1; proxy_temp_path {place}/t2; fastcgi_temp_path {place}/t3;
  uwsgi_temp_path {place}/t4; scgi_temp_path {place}/t5;
  server {{ listen 127.0.0.1:{port}; server_name alma.localhost; {part} }}
}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers={"Host": "alma.localhost"})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


@contextmanager
def proxy(place: Path, portal: int, path: str) -> Iterator[int]:
    """nginx by the example, before a portal at this port; it serves the path already.

    A tenth of the example's rate: a busy machine must still be able to make a rush.
    """
    example = (
        EXAMPLE.read_text().replace("rate=100r/s", "rate=10r/s").replace("burst=50", "burst=5")
    )
    zones = re.search(r"map .*?zone=parvis_alerts[^;]*;", example, re.DOTALL)
    found = re.search(r"# Alerts:.*?(?=# Their addresses)", example, re.DOTALL)
    part = (
        found[0]
        .replace("/var/lib/parvis/data/alertes/", f"{place}/copies/")
        .replace("/var/lib/parvis/data/static/", f"{place}/static/")
        .replace("127.0.0.1:8000", f"127.0.0.1:{portal}")
    )
    port, file = free_port(), place / "nginx.conf"
    file.write_text(
        FRAME.format(user=getpass.getuser(), place=place, port=port, part=part, zones=zones[0])
    )
    server = subprocess.Popen(["nginx", "-c", str(file), "-p", str(place)])
    try:
        until = time.monotonic() + 10
        while True:
            try:
                ask(port, path)
                break
            except OSError:
                assert time.monotonic() < until, (place / "error.log").read_text()
                time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def alert(town, settings, tmp_path):
    """In force, and copied to disk."""
    settings.ALERT_COPIES = str(tmp_path / "copies")
    now = timezone.now()
    make.resident(town)
    row = alerts.sent(town, now=now)
    copies.write(town.pk, now)
    return row


needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")


@needs_nginx
def test_the_alert_stays_served_when_the_portal_is_dead(alert, tmp_path):
    # Where nobody listens: the portal is down.
    with proxy(tmp_path, free_port(), f"/alertes/{alert.pk}/") as port:
        status, page = ask(port, f"/alertes/{alert.pk}/")
        assert (status, "Portez l’eau à gros bouillons" in page) == (200, True)
        assert "Boil your water" in ask(port, f"/alertes/{alert.pk}/en.html")[1]
        assert "Faites bouillir" in ask(port, "/alertes/")[1]
        # An alert that no copy knows: the list of those that are.
        assert "Faites bouillir" in ask(port, "/alertes/999999/")[1]
        assert ask(port, "/theme.css?34468f")[0] == 200
        # An answer that is lost is not taken for one that arrived.
        status, said = ask(port, f"/alertes/{alert.pk}/reponse/", "POST")
        assert status == 502
        assert "n’est peut-être pas arrivée" in said and "composez le 911" in said
        assert ask(port, "/reponse-perdue")[0] == 404
        # What machines read is never a page in its place.
        status, said = ask(port, f"/alertes/{alert.pk}.cap.xml")
        assert status == 502 and "Portez" not in said


@needs_nginx
def test_in_a_rush_copies_take_what_the_portal_cannot_and_letters_still_reach_it(alert, tmp_path):
    class Portal(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"portal")

        def log_message(self, *_said):
            pass

    portal = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
    threading.Thread(target=portal.serve_forever, args=(0.05,), daemon=True).start()
    path = f"/alertes/{alert.pk}/"
    try:
        with proxy(tmp_path, portal.server_port, path) as port:
            assert ask(port, path) == (200, "portal")
            with ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(lambda _n: ask(port, path), range(400)))
                letters = list(pool.map(lambda _n: ask(port, f"{path}?moi=x"), range(200)))
            assert {status for status, _page in answers} == {200}
            copied = sum("Portez l’eau à gros bouillons" in page for _status, page in answers)
            assert 0 < copied < 400
            assert set(letters) == {(200, "portal")}
    finally:
        portal.shutdown()
        portal.server_close()
