from django.db import migrations

from apps.campaigns.rules.places import place_of

BATCH = 5000
WAITING = """
SELECT id, phone_number, timezone, region FROM campaigns_lead
WHERE status = 'pending' AND place = '' AND id > %s ORDER BY id LIMIT %s
"""
FILL = """
UPDATE campaigns_lead SET place = found.place FROM unnest(%s::uuid[], %s::text[]) AS found (id, place)
WHERE campaigns_lead.id = found.id AND campaigns_lead.place = ''
"""
FIRST = "00000000-0000-0000-0000-000000000000"


def fill_places(apps, schema_editor):
    """Leads that wait get their place, a batch at a time, each on its own: nobody waits for a lock. Runs as the owner."""
    last = FIRST
    with schema_editor.connection.cursor() as cursor:
        while True:
            cursor.execute(WAITING, [last, BATCH])
            rows = cursor.fetchall()
            if not rows:
                return
            places = [place_of(phone_number=number, timezone=zone, region=region) for _id, number, zone, region in rows]
            last = rows[-1][0]
            cursor.execute(FILL, [[row[0] for row in rows], places])


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('campaigns', '0005_sleep'),
    ]

    operations = [
        migrations.RunPython(fill_places, migrations.RunPython.noop),
    ]
