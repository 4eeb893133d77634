from django.db import migrations

# Credentials that were confirmed dead, or seen gone, before such orders were watched: dead since
# it was said to be carried out. A rotation that keeps the id ended nothing.
WATCHED = """
UPDATE remediation_order
SET effective_by = LEAST(COALESCE(executed_at, verified_at), verified_at),
    stopped_at = verified_at, stopped_how = verified_how
WHERE credential_id IS NOT NULL AND stopped_at IS NULL AND target -> 'stays' IS NULL
  AND (state = 'confirmed' AND kind IN ('revoke', 'kill', 'rotate')
       OR state = 'verified' AND kind IN ('revoke', 'kill'))
"""


class Migration(migrations.Migration):
    dependencies = [("remediation", "0006_find_the_few_orders_that_wait")]

    operations = [migrations.RunSQL(WATCHED, migrations.RunSQL.noop)]
