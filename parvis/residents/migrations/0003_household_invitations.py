"""Invitations into a household; one sign-in service may open an account in each of two towns."""

from django.db import migrations, models
from django.db.models import Q

DROP_PROVIDER_UID = """
DO $$ DECLARE name text; BEGIN
  FOR name IN
    SELECT conname FROM pg_constraint
    WHERE conrelid = 'socialaccount_socialaccount'::regclass AND contype = 'u'
  LOOP
    EXECUTE format('ALTER TABLE socialaccount_socialaccount DROP CONSTRAINT %I', name);
  END LOOP;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("residents", "0002_wall")]
    operations = [
        migrations.AddField(
            "householdmember",
            "secret_hash",
            models.CharField(blank=True, max_length=64, default=""),
            preserve_default=False,
        ),
        migrations.AddField(
            "householdmember", "expires_at", models.DateTimeField(blank=True, null=True)
        ),
        migrations.AddConstraint(
            "householdmember",
            models.UniqueConstraint(
                fields=["secret_hash"],
                condition=~Q(secret_hash=""),
                name="one_invitation_per_secret",
            ),
        ),
        # (provider, uid) is unique across towns in the library's table. The wall shows a town only
        # its own rows; within it, one account for each address keeps a first sign-in single.
        migrations.RunSQL(DROP_PROVIDER_UID, migrations.RunSQL.noop),
        migrations.RunSQL(
            "CREATE UNIQUE INDEX socialaccount_once_per_person "
            "ON socialaccount_socialaccount (user_id, provider, uid)",
            "DROP INDEX socialaccount_once_per_person",
        ),
    ]
