"""The settings of the embedded server, and the room that it keeps on the disk."""

import os
import shutil
from contextlib import suppress

from parvis.core import embedded_place
from parvis.core.embedded_place import Place, write_closed

BALLAST = 64 * 2**20

_SETTINGS = """\
# Written anew at each start. Put settings of your own in another file of this directory.
listen_addresses = ''
port = {port}
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
cluster_name = '{name}'
max_connections = 100
shared_buffers = 256MB
wal_level = replica
min_wal_size = 128MB
max_wal_size = 1GB
checkpoint_timeout = 10min
checkpoint_completion_target = 0.9
jit = off
timezone = 'UTC'
logging_collector = on
log_directory = '../log'
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
log_rotation_size = 0
log_file_mode = 0600
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
log_lock_waits = on
# Statements and the details of errors hold personal information: neither is logged.
log_min_error_statement = panic
log_error_verbosity = terse
"""
_DURABLE = "fsync = on\nfull_page_writes = on\nsynchronous_commit = on\n"
_VOLATILE = "fsync = off\nfull_page_writes = off\nsynchronous_commit = off\n"


def configure(place: Place, *, fsync: bool) -> None:
    folder = place.home / "conf.d"
    for path, mode in ((place.log, 0o700), (folder, 0o750)):
        path.mkdir(mode=mode, exist_ok=True)
    place.give(place.log)
    settings = _SETTINGS.format(
        port=embedded_place.PORT,
        sockets=str(embedded_place.socket(place.home).parent).replace("'", "''"),
        name=embedded_place.cluster_name(place.home),
    )
    path = folder / "00-parvis.conf"
    write_closed(path, settings + (_DURABLE if fsync else _VOLATILE))
    if place.account:
        # The server reads its settings and cannot change them.
        for shared, mode in ((folder, 0o750), (path, 0o640)):
            os.chown(shared, 0, place.account.gid)
            shared.chmod(mode)
    if fsync:
        _keep_room(place)


def is_volatile(place: Place) -> bool:
    """Whether the server was last started without fsync."""
    path = place.home / "conf.d" / "00-parvis.conf"
    return path.exists() and _VOLATILE in path.read_text()


def _keep_room(place: Place) -> None:
    ballast = place.home / "ballast"
    # Not made again on a disk that was just freed by deleting it.
    if not ballast.exists() and shutil.disk_usage(place.home).free > 16 * BALLAST:
        with suppress(OSError, AttributeError), open(ballast, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, BALLAST)
