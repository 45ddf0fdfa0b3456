"""Row-level security, and references that stay within the town."""

from django.db import migrations

from parvis.core.db import AppendOnly, Wall


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0001_initial"),
        ("municipalities", "0003_wall"),
    ]
    operations = [
        Wall("Subject"),
        Wall("Subscription"),
        Wall("Preference"),
        Wall("Device"),
        Wall("BadAddress"),
        Wall("Message"),
        Wall("Chunk"),
        Wall("Outcome"),
        Wall("Opening"),
        AppendOnly("Outcome"),
    ]
