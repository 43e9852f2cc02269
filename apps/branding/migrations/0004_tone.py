from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('branding', '0003_whitelabel'),
    ]

    operations = [
        migrations.AddField(
            model_name='brandimage',
            name='tone',
            field=models.CharField(blank=True, choices=[('dark', 'Dark'), ('light', 'Light'), ('any', 'Seen on any ground')], db_default='', default='', max_length=5),
        ),
    ]
