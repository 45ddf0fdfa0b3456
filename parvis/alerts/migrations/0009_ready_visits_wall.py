"""Row-level security for the door-to-door round; a visit is written once."""

from django.db import migrations

from parvis.core.db import AppendOnly, Wall


class Migration(migrations.Migration):
    dependencies = [("alerts", "0008_ready_visits")]
    operations = [Wall("Visit"), AppendOnly("Visit")]
