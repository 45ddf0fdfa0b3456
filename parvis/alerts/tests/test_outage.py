"""The alert page when the portal is dead: the example of the reverse proxy, run as it is."""

from __future__ import annotations

import getpass
import http.client
import re
import shutil
import socket
import subprocess
import time
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


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
@pytest.mark.django_db
def test_the_alert_stays_served_when_the_portal_is_dead(town, settings, tmp_path):
    settings.ALERT_COPIES = str(tmp_path / "copies")
    now = timezone.now()
    make.resident(town)
    alert = alerts.sent(town, now=now)
    copies.write(town.pk, now)
    found = re.search(r"# Alerts:.*?(?=# Their addresses)", EXAMPLE.read_text(), re.DOTALL)
    part = (
        found[0]
        .replace("/var/lib/parvis/data/alertes/", f"{tmp_path}/copies/")
        .replace("/var/lib/parvis/data/static/", f"{tmp_path}/static/")
        # Where nobody listens: the portal is down.
        .replace("127.0.0.1:8000", f"127.0.0.1:{free_port()}")
    )
    port = free_port()
    file = tmp_path / "nginx.conf"
    file.write_text(FRAME.format(user=getpass.getuser(), place=tmp_path, port=port, part=part))
    server = subprocess.Popen(["nginx", "-c", str(file), "-p", str(tmp_path)])
    try:
        until = time.monotonic() + 10
        while True:
            try:
                status, page = ask(port, f"/alertes/{alert.pk}/")
                break
            except OSError:
                assert time.monotonic() < until, (tmp_path / "error.log").read_text()
                time.sleep(0.05)
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
    finally:
        server.terminate()
        server.wait(10)
