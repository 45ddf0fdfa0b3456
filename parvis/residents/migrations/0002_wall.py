"""Row-level security, and references that stay within the town."""

from django.db import migrations

from parvis.core.db import Wall, WallThrough


class Migration(migrations.Migration):
    dependencies = [
        ("residents", "0001_initial"),
        ("territory", "0002_wall"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("socialaccount", "0006_alter_socialaccount_extra_data"),
    ]
    operations = [
        Wall("Resident"),
        Wall("Phone"),
        Wall("Place"),
        Wall("Household"),
        Wall("HouseholdMember"),
        Wall("Consent"),
        WallThrough("account_emailaddress", "user_id", "residents_resident"),
        WallThrough("account_emailconfirmation", "email_address_id", "account_emailaddress"),
        WallThrough("mfa_authenticator", "user_id", "residents_resident"),
        WallThrough("socialaccount_socialaccount", "user_id", "residents_resident"),
        WallThrough("socialaccount_socialtoken", "account_id", "socialaccount_socialaccount"),
        migrations.RunSQL("DROP INDEX IF EXISTS unique_verified_email", migrations.RunSQL.noop),
    ]
