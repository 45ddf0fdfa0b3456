"""A send of thousands while dispatchers and the database are killed; prints what became of it.

Run by test_kill.py in a process and on a database cluster of its own: `python -m tests.crash.send
FOLDER PEOPLE KILLS`.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

folder, people, kills = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
random.seed(len(sys.argv))

from parvis.core import embedded  # noqa: E402

quiet = {"say": lambda sentence: None}
cluster = embedded.start(folder / "data", **quiet)
os.environ.update(
    PARVIS_DEBUG="1", PARVIS_HTTPS="0", SECRET_KEY="of-the-crash", PARVIS_DATA=str(folder / "data"),
    DATABASE_URL=cluster.dsn("app"), DATABASE_OWNER_URL=cluster.dsn("owner"),
    DATABASE_POOLED="0", PUSH_PRIVATE_ADDRESSES="1", PARVIS_TESTS="1",
    DJANGO_SETTINGS_MODULE="parvis.settings", LOG_LEVEL="ERROR",
)  # fmt: skip

import django  # noqa: E402

from parvis.notifications.tests.phone_service import PhoneService  # noqa: E402
from tests.crash.sink import Sink  # noqa: E402

sink = Sink(Path(tempfile.mkdtemp(dir=folder)))
phones = PhoneService()
os.environ.update(
    TELEPHONY=phones.setting(),
    PUSH_CA_FILE=str(sink.ca_file), SMTP_HOST="127.0.0.1", SMTP_PORT=str(sink.mail_port),
    EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
)  # fmt: skip
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import Error, connection, connections  # noqa: E402
from django.utils import timezone  # noqa: E402

from parvis.core.db import as_town  # noqa: E402
from parvis.municipalities.models import PushKey  # noqa: E402
from parvis.municipalities.tests import make as towns  # noqa: E402
from parvis.notifications import actions  # noqa: E402
from parvis.notifications.models import Outcome, Subject, Work  # noqa: E402


def fill(town) -> Subject:
    """Residents with a home, an address, a device and two subscriptions, set-based."""
    key = PushKey.objects.of(town).get()
    subject = Subject.objects.create(municipality=town, name="Eau")
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    point = (
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH r AS (INSERT INTO residents_resident (municipality_id, password, email, first_name,
                last_name, language, is_active, joined_at, opened_at_counter, session_epoch)
              SELECT %(town)s, '!', 'p' || n || '@exemple.ca', 'P', 'N', 'fr', true, now(), false,
                0 FROM generate_series(1, %(people)s) n RETURNING id),
            p AS (INSERT INTO residents_place (municipality_id, resident_id, kind, label,
                created_at)
              SELECT %(town)s, id, 'home', '', now() FROM r RETURNING id, resident_id),
            d AS (INSERT INTO notifications_device (municipality_id, resident_id, endpoint,
                endpoint_hash, p256dh, auth, key_id, label, emergencies_only, created_at, seen_at,
                removed_why)
              SELECT %(town)s, id, 'https://localhost:%(port)s/push/' || id, id::text, %(point)s,
                %(auth)s, %(key)s, '', false, now(), now(), '' FROM r),
            t AS (INSERT INTO residents_phone (municipality_id, resident_id, number, label,
                verified_at, verified_how, created_at)
              SELECT %(town)s, id, '+1' || (4185550000 + id), '', now(), 'text', now() FROM r)
            INSERT INTO notifications_subscription (municipality_id, resident_id, place_id,
              subject_id, channel, pace, created_at)
            SELECT %(town)s, resident_id, id, %(subject)s, c, 'now', now()
            FROM p, unnest(ARRAY['email', 'push', 'text']) c
            """,
            {"town": town.pk, "people": people, "point": point, "auth": b"0" * 16, "key": key.pk,
             "port": sink.push_port, "subject": subject.pk},
        )  # fmt: skip
        cursor.execute(
            'INSERT INTO account_emailaddress (user_id, email, verified, "primary") '
            "SELECT id, email, true, true FROM residents_resident"
        )
    return subject


def dispatcher() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "parvis.notifications"])


PUBLISHER = """
import django; django.setup()
from django.utils import timezone
from parvis.core.db import as_town
from parvis.municipalities.models import Municipality
from parvis.notifications import actions
from parvis.notifications.models import Subject
town = Municipality.objects.get()
with as_town(town.pk):
    subject = Subject.objects.of(town).get(name="Eau")
print("ready", flush=True)
while True:
    with as_town(town.pk):
        actions.send_message(
            municipality=town, kind="announcements.published", subject=subject,
            now=timezone.now(), channels=["push"],
            deadline=timezone.now(), content={"fr": {"title": "T", "url": "/"}},
        )
    print("sent", flush=True)
"""


def kill_while_publishing(times: int) -> dict[str, int]:
    """kill -9 of who publishes (the web's part of a send): each message is whole, or is not."""
    for _ in range(times):
        web = subprocess.Popen([sys.executable, "-c", PUBLISHER], stdout=subprocess.PIPE)
        assert web.stdout is not None
        web.stdout.readline()
        web.stdout.readline()
        # One is committed; the next is cut somewhere on its way.
        time.sleep(random.uniform(0.0, 0.4))
        web.kill()
        web.wait()
    time.sleep(0.5)
    with as_town(town.pk), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE targeted <> %s OR targeted <> (SELECT "
            "coalesce(sum(cardinality(recipients)), 0) FROM notifications_chunk c "
            "JOIN notifications_work w ON w.chunk_id = c.id WHERE c.message_id = m.id)) "
            "FROM notifications_message m",
            [people],
        )
        published, halves = cursor.fetchone()
        cursor.execute("UPDATE notifications_work SET state = 'done'")
    return {"published": published, "halves": halves}


def ends(town_id: int) -> Counter[str]:
    try:
        with as_town(town_id):
            return Counter(
                f"{channel}:{state}"
                for channel, state in Outcome.objects.of(town_id)
                .filter(message_id=message.pk, is_final=True)
                .values_list("channel", "state")
            )
    except Error:
        connection.close()
        return Counter()


def kill_database() -> None:
    """kill -9 of the server and all its children, then a start as after a power cut."""
    from parvis.core import embedded_place

    home = embedded_place.home_of(folder / "data")
    for pid in list(embedded_place.processes(home)):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    connection.close()
    embedded.start(folder / "data", **quiet)


call_command("migrate", database="owner", verbosity=0)
connections["owner"].close()
town = towns.municipality("alma")
with as_town(town.pk):
    subject = fill(town)
web = kill_while_publishing(3)
began = time.monotonic()
with as_town(town.pk):
    message = actions.send_message(
        municipality=town, kind="announcements.published", subject=subject, now=timezone.now(),
        content={"fr": {"title": "Eau", "body": "Elle reste bonne à boire.", "url": "/avis/1/"}},
    )  # fmt: skip
planned = time.monotonic() - began
workers = [dispatcher(), dispatcher()]
done, expected, died = 0, people * 4, {"worker": 0, "database": 0}
deadline = time.monotonic() + 480
while time.monotonic() < deadline:
    now_done = sum(ends(town.pk).values())
    if now_done >= expected:
        break
    if sum(died.values()) < kills and now_done > done:
        # Killed while it advances, never twice at the same place.
        if sum(died.values()) % 3 == 2:
            kill_database()
            died["database"] += 1
        else:
            victim = random.randrange(len(workers))
            workers[victim].kill()
            workers[victim].wait()
            workers[victim] = dispatcher()
            died["worker"] += 1
        done = now_done
    if died["worker"] and sum(ends(town.pk).values()):
        # What a killed one held would wait a minute for its lease; the test cannot.
        try:
            held = Work.objects.filter(state="leased", leased_until__gt=timezone.now())
            stale = [w.pk for w in held if (w.leased_until - timezone.now()).total_seconds() < 52]
            Work.objects.filter(pk__in=stale).update(leased_until=timezone.now())
        except Error:
            connection.close()
    time.sleep(0.3)
for worker in workers:
    worker.terminate()
for worker in workers:
    worker.wait(20)
tally = ends(town.pk)
embedded.stop(folder / "data", mode="immediate")
print(  # noqa: T201
    json.dumps(
        {
            "planned_s": round(planned, 3),
            "took_s": round(time.monotonic() - began, 1),
            "ends": tally,
            "killed": died,
            "web": web,
            "pushed": len(sink.pushes),
            "pushed_twice": sum(n > 1 for n in sink.pushes.values()),
            "letters": len(sink.letters),
            "texts": len(phones.taken),
            "texts_twice": sum(n > 1 for n in Counter(t["To"] for t in phones.taken).values()),
            "letters_twice": sum(n > 1 for n in sink.letters.values()),
        }
    )  # fmt: skip
)
