"""Table of the shared cache: sign-in throttling counts over all processes."""

from django.db import migrations

TABLE = """
CREATE TABLE core_cache (
  cache_key varchar(255) PRIMARY KEY,
  value text NOT NULL,
  expires timestamptz NOT NULL
);
CREATE INDEX core_cache_expires ON core_cache (expires);
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0001_fold")]
    operations = [migrations.RunSQL(TABLE, "DROP TABLE core_cache")]
