from django.db import migrations

from apps.core.postgres.operations import SqlFile


class Migration(migrations.Migration):
    """A call is told of by its own engine only."""

    dependencies = [("calls", "0005_pending_reports")]
    operations = [SqlFile("apps/calls/hook_door.sql")]
