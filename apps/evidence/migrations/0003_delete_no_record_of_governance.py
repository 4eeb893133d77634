from django.db import migrations

from apps.audit.operations import NeverDeleted

RECORDS = (
    "accounts.invitation",
    "accounts.seat",
    "accounts.team",
    "accounts.user",
    "core.setting",
    "evidence.addendum",
    "evidence.package",
    "evidence.sample",
    "evidence.signingkey",
    "findings.checkrun",
    "findings.finding",
    "grants.grant",
    "grants.permission",
    "inventory.agent",
    "inventory.binding",
    "inventory.credential",
    "inventory.identity",
    "inventory.source",
    "inventory.system",
    "inventory.task",
    "notices.delivery",
    "notices.notice",
    "remediation.order",
    "reviews.campaign",
    "reviews.hold",
    "reviews.template",
)

# Staging may be done again: what it froze was never put to anybody.
KEEP_FROZEN_ITEMS = """
CREATE FUNCTION reviews_keep_frozen_items() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM reviews_campaign
        WHERE id = OLD.campaign_id AND state IN ('draft', 'staging')
    ) THEN
        RAISE EXCEPTION 'DELETE on reviews_reviewitem refused: its campaign is past staging'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END $$;

CREATE TRIGGER reviews_reviewitem_kept_once_staged
BEFORE DELETE ON reviews_reviewitem
FOR EACH ROW EXECUTE FUNCTION reviews_keep_frozen_items();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("audit", "0002_make_the_trail_append_only"),
        ("core", "0001_initial"),
        ("evidence", "0002_keep_the_history_of_signing_keys"),
        ("findings", "0003_add_check_runs"),
        ("grants", "0001_initial"),
        ("inventory", "0001_initial"),
        ("notices", "0001_initial"),
        ("remediation", "0001_initial"),
        ("reviews", "0001_initial"),
    ]

    operations = [
        *(NeverDeleted(label) for label in RECORDS),
        migrations.RunSQL(KEEP_FROZEN_ITEMS, "DROP FUNCTION reviews_keep_frozen_items CASCADE;"),
    ]
