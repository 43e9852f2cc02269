from django.db import migrations

from apps.core.postgres.operations import Isolate


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_keys_and_sender_domain"), ("core", "0001_tenants")]
    operations = [
        Isolate("catalog_providerkey"),
        Isolate("catalog_providersettings"),
        Isolate("catalog_senderdomain"),
    ]
