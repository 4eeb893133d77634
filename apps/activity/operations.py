"""The tables of the trail that Django cannot describe: partitioned, and written by COPY."""

MAKE_TABLES = """
CREATE TABLE activity_event (
    log_id integer NOT NULL,
    leaf_index bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    happened_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    kind varchar(10) NOT NULL,
    agent_id bigint,
    identity_id bigint,
    credential_id bigint,
    system_id bigint,
    trace_id uuid,
    span_id varchar(16) NOT NULL,
    parent_id varchar(16) NOT NULL,
    correlation uuid,
    carried_by varchar(10) NOT NULL,
    request_id varchar(128) NOT NULL,
    name varchar(200) NOT NULL,
    target varchar(200) NOT NULL,
    level varchar(5) NOT NULL,
    outcome varchar(6) NOT NULL,
    severity smallint NOT NULL,
    address varchar(64) NOT NULL,
    header text NOT NULL,
    PRIMARY KEY (log_id, leaf_index, recorded_at)
) PARTITION BY RANGE (recorded_at);

CREATE INDEX activity_event_trace ON activity_event (log_id, trace_id)
    WHERE trace_id IS NOT NULL;
CREATE INDEX activity_event_agent
    ON activity_event (log_id, agent_id, recorded_at DESC, leaf_index DESC);
CREATE INDEX activity_event_credential
    ON activity_event (log_id, credential_id, happened_at) WHERE credential_id IS NOT NULL;
CREATE INDEX activity_event_identity
    ON activity_event (log_id, identity_id, happened_at) WHERE identity_id IS NOT NULL;
CREATE INDEX activity_event_correlation
    ON activity_event (log_id, correlation) WHERE correlation IS NOT NULL;
CREATE INDEX activity_event_request
    ON activity_event (log_id, request_id) WHERE request_id <> '';
CREATE INDEX activity_event_odd
    ON activity_event (log_id, recorded_at DESC, leaf_index DESC) WHERE severity > 0;
CREATE INDEX activity_event_time ON activity_event USING brin (recorded_at);

CREATE TABLE activity_payload (
    log_id integer NOT NULL,
    leaf_index bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    salt bytea,
    body text,
    erased_at timestamptz,
    PRIMARY KEY (log_id, leaf_index, recorded_at),
    CONSTRAINT activity_payload_whole_or_erased
        CHECK ((salt IS NULL) = (erased_at IS NOT NULL) AND (body IS NULL) = (salt IS NULL))
) PARTITION BY RANGE (recorded_at);

-- What comes for a month that nobody made: it is kept all the same.
CREATE TABLE activity_event_rest PARTITION OF activity_event DEFAULT;
CREATE TABLE activity_payload_rest PARTITION OF activity_payload DEFAULT;
"""
DROP_TABLES = "DROP TABLE activity_event; DROP TABLE activity_payload;"

# The application may not make tables: this one function, of their owner, makes these for it.
MAKE_PARTITIONS = """
CREATE FUNCTION activity_make_partitions(first date, months integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    start date := date_trunc('month', first);
    made integer := 0;
    parent text;
    part text;
BEGIN
    FOR number IN 0 .. months - 1 LOOP
        FOREACH parent IN ARRAY ARRAY['activity_event', 'activity_payload'] LOOP
            part := parent || to_char(start, '_YYYY_MM');
            IF to_regclass(part) IS NULL THEN
                EXECUTE format(
                    'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                    part, parent, start::timestamp AT TIME ZONE 'UTC',
                    (start + interval '1 month')::timestamp AT TIME ZONE 'UTC'
                );
                made := made + 1;
            END IF;
        END LOOP;
        start := start + interval '1 month';
    END LOOP;
    RETURN made;
END $$;

SELECT activity_make_partitions(CURRENT_DATE, 4);
"""
DROP_PARTITIONS = "DROP FUNCTION activity_make_partitions;"

# For each row, since only such a trigger holds on every partition, however it is reached.
APPEND_ONLY = """
CREATE FUNCTION activity_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND TG_ARGV[0] = 'erasable' THEN
        IF NEW.salt IS NULL AND OLD.salt IS NOT NULL
           AND (NEW.log_id, NEW.leaf_index, NEW.recorded_at)
             = (OLD.log_id, OLD.leaf_index, OLD.recorded_at) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% on % refused: rows there never change', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER activity_event_append_only BEFORE UPDATE OR DELETE ON activity_event
FOR EACH ROW EXECUTE FUNCTION activity_refuse('');
CREATE TRIGGER activity_payload_append_only BEFORE UPDATE OR DELETE ON activity_payload
FOR EACH ROW EXECUTE FUNCTION activity_refuse('erasable');
"""
DROP_APPEND_ONLY = "DROP FUNCTION activity_refuse CASCADE;"

# An agent's deeds by the time they happened at: what is counted by the hour, and listed by day.
FIND_DEEDS = """
CREATE INDEX activity_event_deeds ON activity_event (log_id, agent_id, happened_at)
    WHERE kind IN ('action', 'call');
"""
DROP_FIND_DEEDS = "DROP INDEX activity_event_deeds;"
