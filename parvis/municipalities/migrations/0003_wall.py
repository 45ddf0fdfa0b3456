"""Row-level security, and references that stay within the town."""

from django.db import migrations

from parvis.core.db import AppendOnly, Wall


class Migration(migrations.Migration):
    dependencies = [
        ("municipalities", "0002_initial"),
        ("residents", "0002_wall"),
    ]
    operations = [
        Wall("StaffMember"),
        Wall("StaffRole"),
        Wall("Invitation"),
        Wall("PushKey"),
        Wall("AuditLine"),
        Wall("AuditSeal"),
        AppendOnly("AuditLine"),
        AppendOnly("AuditSeal"),
    ]
