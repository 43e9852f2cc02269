from django.db import migrations

from apps.core.postgres.operations import Isolate, SameOwner


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_initial"), ("core", "0001_tenants")]
    operations = [
        Isolate("webhooks_delivery"),
        Isolate("webhooks_attempt"),
        Isolate("webhooks_endpoint"),
        SameOwner("webhooks_attempt", "delivery_id", "webhooks_delivery"),
    ]
