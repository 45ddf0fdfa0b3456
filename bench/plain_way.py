"""The plain way to send pushes: a job for each recipient, `webpush()`, and an update of its row.

What a team writes first, with a well-kept queue on the same PostgreSQL. Two worker processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

import procrastinate
import psycopg

DSN = os.environ.get("DATABASE_OWNER_URL", "")
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=DSN))
_connection: psycopg.Connection[Any] | None = None


def connected() -> psycopg.Connection[Any]:
    global _connection
    if _connection is None:
        _connection = psycopg.connect(DSN, autocommit=True)
    return _connection


@app.task(name="plain_push", queue="plain")
def push(recipient: int, words: str) -> None:
    from pywebpush import webpush

    row = connected().execute(
        "SELECT endpoint, p256dh, auth FROM bench_plain WHERE id = %s", [recipient]
    ).fetchone()  # fmt: skip
    assert row is not None
    webpush(
        subscription_info={"endpoint": row[0], "keys": {"p256dh": row[1], "auth": row[2]}},
        data=words,
        vapid_private_key=os.environ["PLAIN_KEY"],
        vapid_claims={"sub": "mailto:push@ville.example.org"},
    )
    connected().execute(
        "UPDATE bench_plain SET state = 'sent', sent_at = clock_timestamp() WHERE id = %s",
        [recipient],
    )


def measure(recipients: list[tuple[str, str, str]], words: str, *, key: str, bundle: str) -> float:
    """Pushes per second by two workers, from the first to the last of these recipients."""
    with psycopg.connect(DSN, autocommit=True) as conn:
        conn.execute("DROP TABLE IF EXISTS bench_plain")
        conn.execute(
            "CREATE TABLE bench_plain (id bigint PRIMARY KEY, endpoint text, p256dh text, "
            "auth text, state text, sent_at timestamptz)"
        )
        with conn.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO bench_plain VALUES (%s, %s, %s, %s, 'waiting')",
                [(n, *one) for n, one in enumerate(recipients)],
            )
        with app.open():
            push.batch_defer(*({"recipient": n, "words": words} for n in range(len(recipients))))
        workers = [
            subprocess.Popen(
                [
                    sys.executable, "-m", "procrastinate", "--log-level=error",
                    "--app=bench.plain_way.app", "worker",
                    "--queues=plain", "--concurrency=1", "--one-shot",
                ],
                env={**os.environ, "REQUESTS_CA_BUNDLE": bundle, "PLAIN_KEY": key},
            )
            for _ in range(2)
        ]  # fmt: skip
        deadline = time.monotonic() + 300
        for worker in workers:
            worker.wait(max(1, deadline - time.monotonic()))
        row = conn.execute(
            "SELECT count(*), extract(epoch FROM max(sent_at) - min(sent_at)) FROM bench_plain "
            "WHERE state = 'sent'"
        ).fetchone()
        conn.execute("DROP TABLE bench_plain")
    assert row is not None
    if row[0] != len(recipients):
        raise RuntimeError(f"the plain way sent {row[0]} of {len(recipients)}")
    return float((row[0] - 1) / float(row[1]))
