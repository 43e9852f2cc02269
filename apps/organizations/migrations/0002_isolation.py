from django.db import migrations

from apps.core.postgres.operations import Isolate, SqlFile


class Migration(migrations.Migration):
    dependencies = [("organizations", "0001_initial"), ("core", "0001_tenants")]
    operations = [
        Isolate("organizations_organization", column="id"),
        Isolate("organizations_membership"),
        Isolate("organizations_invitation"),
        Isolate("organizations_apikey"),
        Isolate("organizations_limits"),
        Isolate("organizations_storedanswer"),
        Isolate("organizations_job"),
        Isolate("organizations_auditentry", append_only=True),
        SqlFile("apps/organizations/doors.sql"),
    ]
