"""A letter comes back once, whoever reports it; and its return is found without reading all."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0002_wall")]
    operations = [
        migrations.AddConstraint(
            model_name="outcome",
            constraint=models.UniqueConstraint(
                fields=["municipality", "message_id", "channel", "contact_id"],
                condition=models.Q(state="bounced"),
                name="one_bounce_per_letter",
            ),
        ),
    ]
