"""Row-level security for messages of others."""

from django.db import migrations

from parvis.core.db import Wall


class Migration(migrations.Migration):
    dependencies = [("alerts", "0005_received")]
    operations = [Wall("Received")]
