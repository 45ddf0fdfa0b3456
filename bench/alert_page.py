"""The alert page under the rush that an alert causes: copies on disk, behind the example of nginx.

    make bench ONLY=alert_page

The portal is down, as it may be on that day: every answer comes from the copy written at the
revision, through `deploy/nginx.conf` as it is. nginx and whoever asks share this machine's cores.
Promised: 2,000 requests per second at the least, the slowest of a hundred within 500 ms. Both are
spoilt by whatever else the machine does: the processor time that nginx spends on a page is not.
"""

from __future__ import annotations

import getpass
import gzip
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

import pycurl

from bench.portal import ROOT, free_port
from bench.scratch import scratch_database

AT_ONCE = 200
"""Connections that stay open, each asking again as soon as it has its page."""
SECONDS = 10.0
HOST = "alma.localhost"
FRAME = """
daemon off; user {user}; pid {place}/pid; error_log {place}/error.log;
worker_processes 2; worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
  limit_req_zone $binary_remote_addr zone=parvis_all:1m rate=100r/s;
  {zones}
  access_log off; sendfile on; keepalive_requests 10000000;
  types {{ text/html html; text/css css; }}
  client_body_temp_path {place}/t1; proxy_temp_path {place}/t2; fastcgi_temp_path {place}/t3;
  uwsgi_temp_path {place}/t4; scgi_temp_path {place}/t5;
  server {{ listen 127.0.0.1:{port} backlog=4096; server_name {host}; {part} }}
}}
"""


@contextmanager
def nginx(place: Path) -> Iterator[tuple[int, int]]:
    """The example's part about alerts, the portal being where nobody listens."""
    example = (ROOT / "deploy" / "nginx.conf").read_text()
    zones = re.search(r"map .*?zone=parvis_alerts[^;]*;", example, re.DOTALL)
    found = re.search(r"# Alerts:.*?(?=# Their addresses)", example, re.DOTALL)
    if found is None or zones is None:
        raise RuntimeError("deploy/nginx.conf has no part about alerts")
    part = (
        found[0]
        .replace("/var/lib/parvis/data/alertes/", f"{place}/copies/")
        .replace("/var/lib/parvis/data/static/", f"{place}/static/")
        .replace("127.0.0.1:8000", f"127.0.0.1:{free_port()}")
    )
    port, file = free_port(), place / "nginx.conf"
    file.write_text(
        FRAME.format(
            user=getpass.getuser(), place=place, port=port, part=part, host=HOST, zones=zones[0]
        )
    )
    server = subprocess.Popen(["nginx", "-c", str(file), "-p", str(place)])
    try:
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(10)


def processor_seconds(master: int) -> float:
    """What the workers of this nginx spent so far."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # It ended meanwhile.
        if int(fields[1]) == master:
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def rush(port: int, path: str) -> tuple[list[float], float]:
    """Milliseconds of each answer, and the seconds that all took."""
    multi, taken = pycurl.CurlMulti(), []
    handles = []
    for _number in range(AT_ONCE):
        one = pycurl.Curl()
        one.setopt(pycurl.URL, f"http://127.0.0.1:{port}{path}")
        one.setopt(pycurl.HTTPHEADER, [f"Host: {HOST}", "Accept-Encoding: gzip"])
        one.setopt(pycurl.WRITEFUNCTION, len)
        handles.append(one)
        multi.add_handle(one)
    began = time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        multi.perform()
        _left, done, failed = multi.info_read(AT_ONCE)
        if failed:
            raise RuntimeError(failed[0][2])
        for one in done:
            if one.getinfo(pycurl.RESPONSE_CODE) != 200:
                raise RuntimeError(f"answer {one.getinfo(pycurl.RESPONSE_CODE)}")
            taken.append(one.getinfo(pycurl.TOTAL_TIME) * 1000)
            multi.remove_handle(one)
            multi.add_handle(one)
        if not done:
            multi.select(0.05)
    elapsed = time.perf_counter() - began
    for one in handles:
        multi.remove_handle(one)
        one.close()
    return taken, elapsed


def wait_for(port: int, path: str) -> None:
    """Until the first page is there."""
    until = time.monotonic() + 20
    while True:
        one = pycurl.Curl()
        one.setopt(pycurl.URL, f"http://127.0.0.1:{port}{path}")
        one.setopt(pycurl.HTTPHEADER, [f"Host: {HOST}"])
        one.setopt(pycurl.WRITEFUNCTION, len)
        try:
            one.perform()
            if one.getinfo(pycurl.RESPONSE_CODE) == 200:
                return
        except pycurl.error:
            pass
        finally:
            one.close()
        if time.monotonic() > until:
            raise RuntimeError("nginx does not serve the copy")
        time.sleep(0.05)


def run() -> dict[str, Any]:
    with scratch_database("bench_alert_page"), tempfile.TemporaryDirectory() as folder:
        from django.conf import settings
        from django.utils import timezone

        from parvis.alerts import copies
        from parvis.alerts.tests import alerts
        from parvis.core.db import as_town
        from parvis.municipalities.tests import make as towns
        from parvis.residents.tests import make

        place = Path(folder)
        place.chmod(0o755)
        settings.ALERT_COPIES = str(place / "copies")
        town, now = towns.municipality(), timezone.now()
        with as_town(town.pk):
            make.resident(town)
            alert = alerts.sent(town, now=now)
        copies.write(town.pk, now)
        path = f"/alertes/{alert.pk}/"
        page = (place / "copies" / HOST / path.strip("/") / "index.html").read_bytes()
        with nginx(place) as (port, master):
            wait_for(port, path)
            before = processor_seconds(master)
            taken, elapsed = rush(port, path)
            spent = processor_seconds(master) - before
    cuts = quantiles(taken, n=1000)
    return {
        "connections": AT_ONCE,
        "requests": len(taken),
        "per_second": round(len(taken) / elapsed),
        "nginx_us_per_page": round(spent / len(taken) * 1_000_000),
        "p50_ms": round(cuts[499], 1),
        "p99_ms": round(cuts[989], 1),
        "p999_ms": round(cuts[998], 1),
        "page_kb": round(len(page) / 1000, 1),
        "page_gzip_kb": round(len(gzip.compress(page)) / 1000, 1),
        "promised": {"per_second": 2000, "p99_ms": 500},
    }
