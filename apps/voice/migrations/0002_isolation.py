from django.db import migrations

from apps.core.postgres.operations import Isolate


class Migration(migrations.Migration):
    dependencies = [("voice", "0001_initial"), ("core", "0001_tenants")]
    operations = [
        Isolate("voice_connection", shared=True),
    ]
