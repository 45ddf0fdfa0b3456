"""Row-level security, and references that stay within the town."""

from django.db import migrations

from parvis.core.db import Wall


class Migration(migrations.Migration):
    dependencies = [
        ("territory", "0001_initial"),
        ("core", "0002_cache"),
    ]
    operations = [
        Wall("Sector"),
        Wall("Address"),
    ]
