from django.db import migrations

from apps.core.postgres.operations import Isolate


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("core", "0001_tenants")]
    operations = [
        Isolate("billing_ledgerentry", append_only=True),
        Isolate("billing_hold"),
        Isolate("billing_checkpoint"),
        Isolate("billing_account"),
    ]
