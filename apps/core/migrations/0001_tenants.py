from django.db import migrations

from apps.core.postgres.operations import SqlFile


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [SqlFile("apps/core/postgres/tenant.sql")]
