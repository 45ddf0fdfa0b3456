"""Row-level security, and references that stay within the town."""

from django.db import migrations

from parvis.core.db import Wall


class Migration(migrations.Migration):
    dependencies = [("residents", "0004_phone_codes")]
    operations = [Wall("PhoneCode")]
