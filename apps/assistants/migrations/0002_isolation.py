from django.db import migrations

from apps.core.postgres.operations import Isolate


class Migration(migrations.Migration):
    dependencies = [("assistants", "0001_initial"), ("core", "0001_tenants")]
    operations = [
        Isolate("assistants_assistant"),
    ]
