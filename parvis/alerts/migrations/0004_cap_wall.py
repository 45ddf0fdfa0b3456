"""Row-level security; a CAP file is written once, and a key is retired but never removed."""

from django.db import migrations

from parvis.core.db import AppendOnly, Wall


class Migration(migrations.Migration):
    dependencies = [("alerts", "0003_cap_files")]
    operations = [Wall("CapFile"), Wall("SigningKey"), AppendOnly("CapFile")]
