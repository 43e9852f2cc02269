from django.conf import settings
from django.db import migrations

INSTALLATION_ID = "00000000-0000-7000-8000-000000000001"


def make(apps, schema_editor):
    """The installation's own brand. No tenant's rows are read."""
    apps.get_model("branding", "Brand").objects.using(schema_editor.connection.alias).get_or_create(
        pk=INSTALLATION_ID, defaults={"slug": "installation", "name": settings.PRODUCT_NAME}
    )


class Migration(migrations.Migration):
    dependencies = [("branding", "0001_initial")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
