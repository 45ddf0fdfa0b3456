"""`parvis doctor`: what is wrong with this instance, in sentences, and what to do about it."""

from __future__ import annotations

import json
import os
import shutil
import smtplib
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from parvis.cli_findings import Finding, bad, good, warn
from parvis.cli_place import say
from parvis.cli_telephony import telephony

# Seconds that work may wait before somebody is called: safety, personal, notices, digests.
PATIENCE = {0: 15, 1: 60, 2: 300, 3: 1800}
LANES = {0: "sécurité civile", 1: "personnel", 2: "avis", 3: "résumés"}
SEALS_PATIENCE = 120
JOBS_PATIENCE = 300
BACKUP_DAYS = 2
FREE_MEGABYTES = 500


Look = Callable[[], Iterator[Finding]]


def settings_readable() -> Iterator[Finding]:
    from django.conf import settings

    if settings.DEBUG:
        yield warn("PARVIS_DEBUG est à 1\u00a0: jamais là où de vraies personnes entrent.")
    if len(settings.SECRET_KEY) < 40:
        yield bad("SECRET_KEY est trop courte\u00a0: donnez au moins 40 caractères au hasard.")
    if settings.HTTPS:
        if not settings.SECURE_PROXY_SSL_HEADER:
            yield warn(
                "PARVIS_BEHIND_PROXY n’est pas à 1\u00a0: derrière un mandataire TLS, les pages ne "
                "savent pas qu’elles sont servies en HTTPS."
            )
        else:
            yield good("Les témoins ne voyagent qu’en HTTPS.")
    elif not settings.DEMO:
        yield bad("PARVIS_HTTPS est à 0\u00a0: mots de passe et témoins circulent en clair.")
    if "localhost" in settings.PUSH_CONTACT:
        yield warn(
            "PUSH_CONTACT n’est pas réglé\u00a0: donnez une adresse (mailto:…) où les services de "
            "notification peuvent vous joindre."
        )
    if settings.MAIL_DOMAIN == "localhost":
        yield warn(
            "MAIL_DOMAIN n’est pas réglé\u00a0: donnez le domaine d’où partent les courriels."
        )


def database() -> Iterator[Finding]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        version = int(cursor.fetchone()[0])
        if version < 150000:
            yield bad(
                f"PostgreSQL {version // 10000} est trop ancien\u00a0: il faut la version 15."
            )
        else:
            yield good(f"PostgreSQL {version // 10000} répond.")
        cursor.execute(
            "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        name, superuser, bypass = cursor.fetchone()
        if superuser or bypass:
            yield bad(
                f"Le rôle {name} passe à travers les murs entre les villes. Donnez dans "
                "DATABASE_URL un rôle ni superutilisateur ni BYPASSRLS."
            )
        cursor.execute(
            "SELECT count(*) FROM pg_tables "
            "WHERE schemaname = 'public' AND tableowner = current_user"
        )
        if cursor.fetchone()[0]:
            yield bad(
                f"Le rôle {name} possède les tables\u00a0: il peut abattre les murs. Donnez les "
                "tables à un autre rôle, celui de DATABASE_OWNER_URL."
            )


def walls() -> Iterator[Finding]:
    from django.apps import apps
    from django.db import connection

    from parvis.core.db import is_owned

    owned = {m._meta.db_table for m in apps.get_models() if is_owned(m)}
    # Looked up before a town is known, or by dispatchers that serve all towns.
    owned -= {"municipalities_hostname", "notifications_work"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        standing = {row[0] for row in cursor.fetchall()}
    fallen = sorted(owned - standing)
    if fallen:
        yield bad(
            f"Aucun mur entre les villes sur\u00a0: {', '.join(fallen)}. Arrêtez les pages, puis "
            "restaurez une sauvegarde saine."
        )
    else:
        yield good(f"Les murs entre les villes tiennent sur {len(owned)} tables.")


def migrations() -> Iterator[Finding]:
    from parvis.cli_migrate import waiting_migrations

    waiting = waiting_migrations()
    if waiting:
        yield bad(
            f"{len(waiting)} changements attendent\u00a0: lancez «\u00a0parvis migrate\u00a0»."
        )
    else:
        yield good("La base de données est à jour.")


def clock() -> Iterator[Finding]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        drift = abs((cursor.fetchone()[0] - datetime.now(UTC)).total_seconds())
    if drift > 2:
        yield bad(
            f"L’horloge d’ici et celle de la base de données diffèrent de {drift:.0f}\u00a0s. "
            "Réglez-les par NTP\u00a0: codes, délais et sceaux en dépendent."
        )
    else:
        yield good("L’horloge est à l’heure de la base de données.")


def disk() -> Iterator[Finding]:
    from django.conf import settings

    data = Path(settings.DATA)
    probe = data / f".doctor-{os.getpid()}"
    try:
        probe.write_text("x")
        probe.unlink()
    except OSError as error:
        yield bad(f"On ne peut pas écrire dans {data} ({error.strerror}). Rendez-lui ce droit.")
        return
    free = shutil.disk_usage(data).free // 2**20
    if free < FREE_MEGABYTES:
        yield bad(
            f"Il reste {free}\u00a0Mo dans {data}. Libérez de l’espace avant que tout s’arrête."
        )
    else:
        yield good(f"{data} est accessible, avec {free // 1024}\u00a0Go libres.")
    secrets = data / "secrets"
    if secrets.exists() and secrets.stat().st_mode & 0o077:
        yield bad(f"{secrets} est ouvert à d’autres comptes\u00a0: faites «\u00a0chmod 700\u00a0».")


def mail() -> Iterator[Finding]:
    from django.conf import settings

    if not settings.EMAIL_BACKEND.endswith("smtp.EmailBackend"):
        yield good("Les courriels partent par un fournisseur (anymail).")
        return
    where = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    try:
        with smtplib.SMTP(settings.EMAIL_HOST, settings.EMAIL_PORT, timeout=5) as server:
            code, _text = server.noop()
        if code != 250:
            raise smtplib.SMTPException(f"code {code}")
    except (OSError, smtplib.SMTPException) as error:
        yield bad(
            f"Le serveur de courriel {where} ne répond pas ({error}). Vérifiez SMTP_HOST et "
            "SMTP_PORT\u202f; les envois attendent en file."
        )
    else:
        yield good(f"Le serveur de courriel répond ({where}).")


def towns() -> Iterator[Finding]:
    from django.conf import settings

    from parvis.core import secret
    from parvis.core.db import as_town
    from parvis.municipalities.models import HostName, Municipality, PushKey

    every = list(Municipality.objects.order_by("slug"))
    if not every:
        yield warn("Aucune ville encore\u00a0: «\u00a0parvis town create\u00a0».")
    for town in every:
        with as_town(town.pk):
            key = PushKey.objects.of(town).filter(retired_at__isnull=True).first()
        if key is None:
            yield bad(f"{town.name} n’a pas de clé de notification\u00a0: renouvelez-la au Bureau.")
        else:
            try:
                secret.decipher("vapid", key.private)
            except ValueError:
                yield bad(
                    f"La clé de {town.name} a été chiffrée avec une autre SECRET_KEY. Remettez "
                    "l’ancienne (dossier secrets de la sauvegarde)."
                )
        if settings.DEMO:
            continue  # *.localhost is for browsers: no resolver has to know it.
        for host in HostName.objects.filter(municipality=town):
            try:
                socket.getaddrinfo(host.name, 443)
            except OSError:
                yield bad(
                    f"{host.name} ({town.name}) ne mène nulle part\u00a0: ajoutez-le au DNS, ou "
                    "retirez-le des réglages de la ville."
                )
    if every:
        yield good(f"{len(every)} villes servies.")


def lanes() -> Iterator[Finding]:
    """Work that waits too long, lane by lane: what `--watch` calls somebody for."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lane, count(*), extract(epoch FROM now() - min(not_before)) "
            "FROM notifications_work WHERE state <> 'done' AND not_before <= now() "
            "AND (state = 'waiting' OR leased_until < now()) GROUP BY lane ORDER BY lane"
        )
        late = [row for row in cursor.fetchall() if row[2] > PATIENCE.get(row[0], 300)]
    for lane, count, seconds in late:
        yield bad(
            f"Envois en panne, file «\u00a0{LANES.get(lane, lane)}\u00a0»\u00a0: {count} lots "
            f"attendent, le plus ancien depuis {seconds:.0f}\u00a0s. «\u00a0parvis worker\u00a0» "
            "tourne-t-il\u202f?"
        )
    if not late:
        yield good("Aucun envoi n’attend trop longtemps.")


def jobs() -> Iterator[Finding]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE last_heartbeat > now() - interval '1 minute') "
            "FROM procrastinate_workers"
        )
        alive = cursor.fetchone()[0]
        cursor.execute(
            "SELECT count(*), coalesce(max(extract(epoch FROM now() - coalesce(scheduled_at, "
            "(SELECT min(at) FROM procrastinate_events e WHERE e.job_id = j.id)))), 0) "
            "FROM procrastinate_jobs j WHERE status = 'todo' "
            "AND coalesce(scheduled_at, now()) <= now()"
        )
        waiting, seconds = cursor.fetchone()
        cursor.execute(
            "SELECT count(*) FROM procrastinate_jobs j JOIN procrastinate_events e "
            "ON e.job_id = j.id AND e.type = 'failed' WHERE j.status = 'failed' "
            "AND e.at > now() - interval '1 day'"
        )
        failed = cursor.fetchone()[0]
    if not alive:
        yield bad(
            "Aucun travail d’arrière-plan n’est vivant\u00a0: lancez «\u00a0parvis worker\u00a0»."
        )
    else:
        yield good(f"{alive} processus de travaux vivants.")
    if waiting and seconds > JOBS_PATIENCE:
        yield bad(f"{waiting} travaux attendent, le plus ancien depuis {seconds:.0f}\u00a0s.")
    if failed:
        yield warn(f"{failed} travaux ont échoué depuis hier\u00a0: lisez le journal.")


def seals() -> Iterator[Finding]:
    from django.db import connection

    from parvis.core.db import as_town
    from parvis.municipalities.models import Municipality

    oldest = 0.0
    for town in Municipality.objects.all():
        with as_town(town.pk), connection.cursor() as cursor:
            cursor.execute(
                "SELECT coalesce(max(extract(epoch FROM now() - at)), 0) "
                "FROM municipalities_auditline l WHERE NOT EXISTS (SELECT 1 FROM "
                "municipalities_auditseal s WHERE s.municipality_id = l.municipality_id "
                "AND s.line_id = l.id)"
            )
            oldest = max(oldest, float(cursor.fetchone()[0]))
    if oldest > SEALS_PATIENCE:
        yield bad(
            f"Le registre des actions n’est plus scellé depuis {oldest:.0f}\u00a0s\u00a0: "
            "«\u00a0parvis worker\u00a0» tourne-t-il\u202f?"
        )
    else:
        yield good("Le registre des actions est scellé.")


def last_backup() -> Iterator[Finding]:
    from django.conf import settings

    if settings.DEMO:
        return
    note = Path(settings.DATA) / "run" / "backup.json"
    try:
        at = datetime.fromisoformat(json.loads(note.read_text())["at"])
    except (OSError, ValueError, KeyError):
        yield warn(
            "Aucune sauvegarde connue\u00a0: «\u00a0parvis backup FICHIER\u00a0», chaque nuit."
        )
        return
    days = (datetime.now(UTC) - at).days
    if days >= BACKUP_DAYS:
        yield bad(f"La dernière sauvegarde date de {days}\u00a0jours.")
    else:
        yield good("La dernière sauvegarde est récente.")


ALL: tuple[Look, ...] = (
    settings_readable,
    database,
    walls,
    migrations,
    clock,
    disk,
    mail,
    telephony,
    towns,
    lanes,
    jobs,
    seals,
    last_backup,
)


def look(checks: tuple[Look, ...]) -> list[Finding]:
    """Every finding; a check that cannot be made is one as well."""
    from django.db import DatabaseError, InterfaceError, close_old_connections

    found: list[Finding] = []
    for check in checks:
        try:
            found += list(check())
        except (DatabaseError, InterfaceError) as error:
            reason = str(error).strip().splitlines()[-1]
            found.append(
                bad(f"La base de données ne répond pas ({reason}). Est-elle en marche\u202f?")
            )
            close_old_connections()
            break
    return found


def doctor() -> int:
    found = look(ALL)
    for finding in found:
        mark = "bien    " if finding.good else "À RÉGLER" if finding.grave else "à voir  "
        say(f"{mark} {finding.said}")
    grave = [finding for finding in found if not finding.good and finding.grave]
    say("")
    say(f"{len(grave)} chose(s) à régler." if grave else "Tout va bien.")
    return 1 if grave else 0
