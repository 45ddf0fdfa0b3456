"""French search and order without extensions: see docs/why/0003-french-without-extensions.md."""

from django.db import migrations

FOLD = r"""
CREATE OR REPLACE FUNCTION fold(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
  SELECT lower(replace(replace(replace(replace(
    regexp_replace(normalize(value, NFD), U&'[\0300-\036F]', '', 'g'),
    'œ', 'oe'), 'Œ', 'OE'), 'æ', 'ae'), '’', ''''))
$$
"""


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [migrations.RunSQL(FOLD, "DROP FUNCTION fold(text)")]
