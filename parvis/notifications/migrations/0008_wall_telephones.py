"""Row-level security, and references that stay within the town."""

from django.db import migrations

from parvis.core.db import Wall


class Migration(migrations.Migration):
    dependencies = [("notifications", "0007_telephones")]
    operations = [Wall("ClosedNumber"), Wall("Reply")]
