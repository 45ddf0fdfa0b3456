"""The dispatcher as a process of its own: `python -m parvis.notifications --lanes emergency`."""

import argparse
import os
import sys

import django

LANES = {"emergency": [0], "ordinary": [1, 2, 3], "all": [0, 1, 2, 3]}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m parvis.notifications")
    parser.add_argument("--lanes", choices=LANES, default="all")
    parser.add_argument("--channels", default="inapp,email,push,text,voice")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "parvis.settings")
    django.setup()
    from parvis.notifications import dispatch  # noqa: PLC0415 - models need Django set up

    return dispatch.run(options.channels.split(","), LANES[options.lanes])


if __name__ == "__main__":
    sys.exit(main())
