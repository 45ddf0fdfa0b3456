"""Models and migrations say the same, and no two migrations of a room have no order."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

os.environ["DJANGO_SETTINGS_MODULE"] = "parvis.settings"
from tests import cluster  # noqa: E402, F401 - starts the database and sets the environment


def main() -> int:
    import django
    from django.core.management import CommandError, call_command

    django.setup()
    try:
        # A database that exists: the history of migrations is read from it, and is empty there.
        from django.db import connections

        connections["owner"].settings_dict["NAME"] = "postgres"
        connections["default"].settings_dict["NAME"] = "postgres"
        call_command("makemigrations", check_changes=True, dry_run=True, verbosity=1)
    except CommandError as error:
        print(error)
        return 1
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
