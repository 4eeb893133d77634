from django.db import migrations, models

from apps.core.at_once import AtOnce

# What `apps.core.preferences` has for `static_key_days`; a test holds the two together.
FUNCTIONS = """
CREATE FUNCTION inventory_rotation_due(
    kind text, issued_at timestamptz, rotated_at timestamptz, rotation_days integer
) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT coalesce(rotated_at, issued_at) + make_interval(hours => 24 * coalesce(
        rotation_days,
        CASE WHEN kind IN ('access-key', 'api-key', 'client-secret', 'token', 'password') THEN
            coalesce(
                (SELECT value::integer FROM core_setting WHERE key = 'static_key_days'), 90
            )
        END
    ));
$$;

CREATE FUNCTION inventory_reckon_rotation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.rotation_due_at := inventory_rotation_due(
        NEW.kind, NEW.issued_at, NEW.rotated_at, NEW.rotation_days
    );
    RETURN NEW;
END $$;
"""
TRIGGER = """
CREATE TRIGGER inventory_credential_reckons_rotation
    BEFORE INSERT OR UPDATE OF kind, issued_at, rotated_at, rotation_days, rotation_due_at
    ON inventory_credential
    FOR EACH ROW EXECUTE FUNCTION inventory_reckon_rotation();
"""
FILL = """
UPDATE inventory_credential
SET rotation_due_at = inventory_rotation_due(kind, issued_at, rotated_at, rotation_days);
"""
DROP = """
DROP TRIGGER inventory_credential_reckons_rotation ON inventory_credential;
DROP FUNCTION inventory_reckon_rotation();
DROP FUNCTION inventory_rotation_due(text, timestamptz, timestamptz, integer);
"""


class Migration(AtOnce):
    dependencies = [
        ("core", "0001_initial"),
        ("inventory", "0009_sign_agents_in_to_the_api"),
    ]

    operations = [
        migrations.AddField(
            model_name="credential",
            name="rotation_due_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="By its own interval, else the house's for static ones. "
                "The database reckons it.",
                null=True,
            ),
        ),
        migrations.RunSQL(FUNCTIONS + FILL + TRIGGER, DROP),
        migrations.AddIndex(
            model_name="credential",
            index=models.Index(fields=["rotation_due_at", "id"], name="inventory_cred_due"),
        ),
    ]
