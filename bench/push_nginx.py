"""Push messages per second against nginx on this machine, and the same done the plain way.

    make bench ONLY=push

nginx answers 201 after the whole body, over TLS and HTTP/2. It has the first core, the sender
the second. Rates belong to the machine; the ratio is what to hold on to.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import certifi

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from parvis.notifications.channels import webpush_crypto as push
from parvis.notifications.channels.http_pool import HttpPool, PushRequest
from parvis.notifications.channels.rates import Throttle
from parvis.notifications.tests.push_service import write_certificates

SUBJECT = "mailto:push@ville.example.org"
PAYLOAD = json.dumps(
    {"web_push": 8030, "notification": {"title": "Avis d’ébullition", "body": "Faites bouillir "
     "l’eau une minute avant de la boire, dans tout le secteur du Vieux-Moulin. " * 3,
     "navigate": "https://ville.example.org/alertes/42"}}, ensure_ascii=False,
).encode()  # fmt: skip

CONFIG = """\
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    keepalive_requests 10000000;
    http2_max_concurrent_streams 128;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl http2 backlog=1024;
        server_name localhost;
        ssl_certificate {folder}/server.pem;
        ssl_certificate_key {folder}/server.pem;
        # Behind a proxy to itself nginx must read the body before it answers.
        location /push/ {{
            proxy_pass http://unix:{folder}/answer.sock;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
    upstream answer {{ server unix:{folder}/answer.sock; keepalive 64; }}
    server {{
        listen unix:{folder}/answer.sock;
        location / {{
            add_header Location https://localhost:{port}/message/1 always;
            return 201;
        }}
    }}
    server {{
        listen 127.0.0.1:{status_port};
        location = /status {{ stub_status; }}
    }}
}}
"""


class PushNginx:
    """nginx as a push service: `origin`, `ca_file`, and a count of what it answered."""

    def __init__(self, cpu: int | None = None) -> None:
        self._cpu = cpu

    def __enter__(self) -> Self:
        program = find_nginx()
        self._folder = tempfile.TemporaryDirectory(prefix="push-nginx-")
        folder = Path(self._folder.name)
        # The worker runs as another account when started by root.
        folder.chmod(0o755)
        write_certificates(folder)
        self.ca_file = str(folder / "ca.pem")
        port, self._status_port = free_port(), free_port()
        self.origin = f"https://localhost:{port}"
        config = folder / "nginx.conf"
        config.write_text(CONFIG.format(folder=folder, port=port, status_port=self._status_port))
        self._process = subprocess.Popen(
            [program, "-p", str(folder), "-c", str(config)], start_new_session=True
        )
        if self._cpu is not None:
            os.sched_setaffinity(self._process.pid, {self._cpu})
        self._looked = 0
        for _ in range(100):
            try:
                self.answered()
                break
            except OSError:
                if self._process.poll() is not None:
                    self._folder.cleanup()
                    raise RuntimeError("nginx did not start") from None
                time.sleep(0.05)
        # A worker forked before the affinity was set has the old one.
        if self._cpu is not None:
            for worker in children(self._process.pid):
                os.sched_setaffinity(worker, {self._cpu})
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGQUIT)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def answered(self) -> int:
        """Push requests answered since the start, by nginx's own count."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self._status_port}/status", timeout=5) as page:
            total = int(page.read().split()[9])
        self._looked += 1
        # Each push is counted at the door and behind it; each look at this page once.
        return (total - self._looked) // 2


def find_nginx() -> str:
    """Path of nginx; installed through apt-get when it is missing and we may."""
    quiet: dict[str, Any] = {
        "check": False, "stdout": subprocess.DEVNULL,
        "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    }  # fmt: skip
    places = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    if not shutil.which("nginx", path=places) and os.geteuid() == 0 and shutil.which("apt-get"):
        # A new machine has no list of packages, or an old one.
        subprocess.run(["apt-get", "update", "-qq"], **quiet)
        install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "nginx"]
        subprocess.run(install, **quiet)
    program = shutil.which("nginx", path=places)
    if program is None:
        raise RuntimeError("nginx is missing: apt-get install nginx")
    return program


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


@contextmanager
def pinned(cpu: int | None) -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before if cpu is None else {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def subscriptions(origin: str, count: int) -> list[tuple[str, bytes, bytes]]:
    """Distinct endpoints and keys, as they stand in the database."""
    made = []
    for number in range(count):
        point = ec.generate_private_key(ec.SECP256R1()).public_key()
        p256dh = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        made.append((f"{origin}/push/{number:0150d}", p256dh, os.urandom(16)))
    return made


def measure(started: float, cpu_started: float, count: int) -> dict[str, float]:
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu_started
    return {
        "per_second": round(count / wall, 1),
        "us_per_message": round(wall / count * 1e6, 1),
        "sender_cpu_us_per_message": round(cpu / count * 1e6, 1),
    }


def ours(
    service: PushNginx, count: int, *, concurrency: int = 100, sealed_before: bool = False
) -> dict[str, float]:
    """Each message sealed as it is drawn, unless `sealed_before` sets the HTTP part apart."""
    known = subscriptions(service.origin, count)
    tokens = push.VapidTokens(push.generate_vapid_key(), SUBJECT)
    lines: dict[str, tuple[str, ...]] = {}

    def requests() -> Iterator[PushRequest]:
        for key, (endpoint, p256dh, auth) in enumerate(known):
            authorization = tokens.authorization(push.origin_of(endpoint), now=time.time())
            headers = lines.get(authorization)
            if headers is None:
                headers = push.push_headers(authorization, ttl=3600, urgency="high", topic="a42")
                lines[authorization] = headers
            yield PushRequest(key, endpoint, headers, push.encrypt(PAYLOAD, p256dh, auth))

    drawn = list(requests()) if sealed_before else requests()
    before = service.answered()
    with HttpPool(ca_file=service.ca_file, allow_private=True) as pool:
        throttle = Throttle(start=1e6, ceiling=1e6)
        started, cpu_started = time.perf_counter(), time.process_time()
        accepted = {
            answer.key
            for answer in pool.post_many(
                drawn, concurrency=concurrency, deadline=time.monotonic() + 600, throttle=throttle
            )
            if answer.status == 201
        }
        result = measure(started, cpu_started, count)
    if len(accepted) != count or service.answered() - before != count:
        raise RuntimeError(f"{len(accepted)} accepted, {service.answered() - before} counted")
    return result


def plain(service: PushNginx, count: int, bundle: str) -> dict[str, float]:
    """`webpush()` as the README of pywebpush shows it, one after another."""
    from pywebpush import webpush

    known = [(end, push.encode(point), push.encode(auth))
             for end, point, auth in subscriptions(service.origin, count)]  # fmt: skip
    private_key = push.encode(push.generate_vapid_key())
    outside = os.environ.get("REQUESTS_CA_BUNDLE")
    os.environ["REQUESTS_CA_BUNDLE"] = bundle
    before = service.answered()
    try:
        started, cpu_started = time.perf_counter(), time.process_time()
        for endpoint, p256dh, auth in known:
            webpush(
                subscription_info={"endpoint": endpoint, "keys": {"p256dh": p256dh, "auth": auth}},
                data=PAYLOAD,
                vapid_private_key=private_key,
                vapid_claims={"sub": SUBJECT},
            )
        result = measure(started, cpu_started, count)
    finally:
        del os.environ["REQUESTS_CA_BUNDLE"]
        if outside is not None:
            os.environ["REQUESTS_CA_BUNDLE"] = outside
    if service.answered() - before != count:
        raise RuntimeError("nginx did not count every plain message")
    return result


def run_push_bench(n: int) -> dict[str, Any]:
    """The pool with sealing, the pool alone, and the plain way, in one run."""
    cores = sorted(os.sched_getaffinity(0))
    server_cpu, sender_cpu = (cores[0], cores[1]) if len(cores) > 1 else (None, None)
    with PushNginx(server_cpu) as service, tempfile.TemporaryDirectory() as folder:
        # In production requests loads the authorities of the whole world for each message.
        bundle = Path(folder) / "bundle.pem"
        bundle.write_text(Path(certifi.where()).read_text() + Path(service.ca_file).read_text())
        with pinned(sender_cpu):
            ours(service, 500)  # Connections, caches and the processor warm up.
            pool = ours(service, n)
            http_alone = ours(service, n, sealed_before=True)
            naive_pinned = plain(service, 300, str(bundle))
        # It sleeps between its steps, so on a busy machine a free choice of core serves it better.
        naive_free = plain(service, 300, str(bundle))
        one_authority = plain(service, 300, service.ca_file)
    best_naive = max(naive_pinned["per_second"], naive_free["per_second"])
    return {
        "messages": n,
        "payload_bytes": len(PAYLOAD),
        "pool_sealing_each": pool,
        "pool_sealed_before": http_alone,
        "plain_webpush_pinned": naive_pinned,
        "plain_webpush_free": naive_free,
        "plain_webpush_free_one_authority": one_authority,
        # Against the better of the two plain figures with the bundle of production.
        "ratio": round(pool["per_second"] / best_naive, 1),
        "load_average": os.getloadavg()[0],
    }
