from django.db import migrations

from apps.core.postgres.operations import Isolate


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0004_breaker")]
    operations = [Isolate("webhooks_secretchange")]
