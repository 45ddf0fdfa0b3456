#!/usr/bin/env python
"""Django's own commands; `parvis` is the one to use."""

import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "parvis.settings")
execute_from_command_line(sys.argv)
