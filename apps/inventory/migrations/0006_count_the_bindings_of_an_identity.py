from django.db import migrations, models

from apps.core.at_once import AtOnce

# Agents before identities, here and where an agent changes: who locks in one order cannot block
# each other. Each statement sees what was committed while it waited for the lock before it.
FUNCTIONS = """
CREATE FUNCTION inventory_count_bindings(touched bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM inventory_identity WHERE id = ANY (touched) ORDER BY id FOR NO KEY UPDATE;
    UPDATE inventory_identity AS identity
    SET binding_count = coalesce(counted.live, 0), standing_count = coalesce(counted.standing, 0)
    FROM unnest(touched) AS one (id)
    LEFT JOIN (
        SELECT binding.identity_id AS id, count(*) AS live,
               count(*) FILTER (WHERE agent.state <> 'retired') AS standing
        FROM inventory_binding binding JOIN inventory_agent agent ON agent.id = binding.agent_id
        WHERE binding.ended_at IS NULL AND binding.identity_id = ANY (touched)
        GROUP BY binding.identity_id
    ) counted ON counted.id = one.id
    WHERE identity.id = one.id;
END $$;

CREATE FUNCTION inventory_bindings_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM inventory_agent
    WHERE id IN (SELECT agent_id FROM touched) ORDER BY id FOR SHARE;
    PERFORM inventory_count_bindings(ARRAY(SELECT DISTINCT identity_id FROM touched));
    RETURN NULL;
END $$;

CREATE FUNCTION inventory_agent_retired() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM inventory_count_bindings(ARRAY(
        SELECT DISTINCT identity_id FROM inventory_binding
        WHERE agent_id = NEW.id AND ended_at IS NULL
    ));
    RETURN NULL;
END $$;

CREATE FUNCTION inventory_keep_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.binding_count := OLD.binding_count;
    NEW.standing_count := OLD.standing_count;
    RETURN NEW;
END $$;
"""
TRIGGERS = """
CREATE TRIGGER inventory_binding_added AFTER INSERT ON inventory_binding
    REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_bindings_changed();
CREATE TRIGGER inventory_binding_changed AFTER UPDATE ON inventory_binding
    REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_bindings_changed();
CREATE TRIGGER inventory_binding_moved AFTER UPDATE ON inventory_binding
    REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_bindings_changed();
CREATE TRIGGER inventory_binding_removed AFTER DELETE ON inventory_binding
    REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_bindings_changed();
CREATE TRIGGER inventory_agent_retired AFTER UPDATE OF state ON inventory_agent
    FOR EACH ROW WHEN ((OLD.state = 'retired') <> (NEW.state = 'retired'))
    EXECUTE FUNCTION inventory_agent_retired();
-- Whoever saves a whole identity writes the counts it once read: only those above may change them.
CREATE TRIGGER inventory_identity_keeps_counts BEFORE UPDATE ON inventory_identity
    FOR EACH ROW WHEN (
        pg_trigger_depth() = 0 AND (OLD.binding_count, OLD.standing_count)
        IS DISTINCT FROM (NEW.binding_count, NEW.standing_count)
    ) EXECUTE FUNCTION inventory_keep_counts();
"""
FILL = """
SELECT inventory_count_bindings(
    ARRAY(SELECT DISTINCT identity_id FROM inventory_binding WHERE ended_at IS NULL)
);
"""
DROP = """
DROP TRIGGER inventory_identity_keeps_counts ON inventory_identity;
DROP TRIGGER inventory_agent_retired ON inventory_agent;
DROP TRIGGER inventory_binding_removed ON inventory_binding;
DROP TRIGGER inventory_binding_moved ON inventory_binding;
DROP TRIGGER inventory_binding_changed ON inventory_binding;
DROP TRIGGER inventory_binding_added ON inventory_binding;
DROP FUNCTION inventory_keep_counts();
DROP FUNCTION inventory_agent_retired();
DROP FUNCTION inventory_bindings_changed();
DROP FUNCTION inventory_count_bindings(bigint[]);
"""


class Migration(AtOnce):
    dependencies = [("inventory", "0005_filter_credentials_by_rare_kinds_and_stores")]

    operations = [
        migrations.AddField(
            model_name="identity",
            name="binding_count",
            field=models.PositiveIntegerField(
                db_default=0,
                default=0,
                editable=False,
                help_text="Bindings in force. The database counts them.",
            ),
        ),
        migrations.AddField(
            model_name="identity",
            name="standing_count",
            field=models.PositiveIntegerField(
                db_default=0,
                default=0,
                editable=False,
                help_text="Bindings in force of agents not retired. The database counts them.",
            ),
        ),
        migrations.RunSQL(FUNCTIONS + FILL + TRIGGERS, DROP),
    ]
