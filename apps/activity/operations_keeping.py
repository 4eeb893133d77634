"""What only the owner of the tables may do with what is kept, as functions for the application.

Each asks the database itself whether it may: a mistake in Python drops and erases nothing.
"""

# A partition is reached through its parent, whose rights count; nobody needs any of its own.
CLOSE_PARTITION = """
CREATE FUNCTION activity_close_partition(part regclass) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    who oid;
BEGIN
    FOR who IN
        SELECT DISTINCT acl.grantee FROM pg_class, aclexplode(relacl) AS acl
        WHERE pg_class.oid = part AND acl.grantee <> relowner
    LOOP
        EXECUTE format(
            'REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON %s FROM %s', part,
            CASE who WHEN 0 THEN 'PUBLIC' ELSE who::regrole::text END
        );
    END LOOP;
END $$;
"""

MAKE_PARTITIONS = """
CREATE OR REPLACE FUNCTION activity_make_partitions(first date, months integer) RETURNS integer
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
                PERFORM activity_close_partition(part::regclass);
                made := made + 1;
            END IF;
        END LOOP;
        start := start + interval '1 month';
    END LOOP;
    RETURN made;
END $$;
"""

# What lies in the default partitions goes to its months. The old ones are taken off and dropped
# whole once all of theirs is elsewhere, because no row of them is ever deleted.
EMPTY_REST = """
CREATE FUNCTION activity_empty_rest() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    first date;
    months integer;
    parent text;
    rest text;
    held bigint;
    went bigint;
    moved bigint := 0;
BEGIN
    LOCK TABLE activity_event, activity_payload IN ACCESS EXCLUSIVE MODE;
    SELECT date_trunc('month', min(recorded_at) AT TIME ZONE 'UTC'),
           12 * extract(year FROM age(max(recorded_at), min(recorded_at)))
           + extract(month FROM age(max(recorded_at), min(recorded_at))) + 2
    INTO first, months
    FROM (SELECT recorded_at FROM activity_event_rest
          UNION ALL SELECT recorded_at FROM activity_payload_rest) AS strays;
    IF first IS NULL THEN
        RETURN 0;
    ELSIF months > 240 THEN
        RAISE EXCEPTION 'the default partition holds records of % months', months;
    END IF;
    FOREACH parent IN ARRAY ARRAY['activity_event', 'activity_payload'] LOOP
        rest := parent || '_rest';
        EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', parent, rest);
        EXECUTE format('ALTER TABLE %I RENAME TO %I', rest, parent || '_moving');
        EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', rest, parent);
        PERFORM activity_close_partition(rest::regclass);
    END LOOP;
    PERFORM activity_make_partitions(first, months);
    FOREACH parent IN ARRAY ARRAY['activity_event', 'activity_payload'] LOOP
        EXECUTE format('SELECT count(*) FROM %I', parent || '_moving') INTO held;
        EXECUTE format('INSERT INTO %I SELECT * FROM %I', parent, parent || '_moving');
        GET DIAGNOSTICS went = ROW_COUNT;
        IF went <> held THEN
            RAISE EXCEPTION 'of % records % could be moved', held, went;
        END IF;
        EXECUTE format('DROP TABLE %I', parent || '_moving');
        moved := moved + CASE parent WHEN 'activity_event' THEN went ELSE 0 END;
    END LOOP;
    RETURN moved;
END $$;
"""

# A month goes only as a whole, once it is over, and only if the archive's own count is its count.
DROP_PARTITION = """
CREATE FUNCTION activity_drop_partition(archive_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    archive activity_archive;
    events text;
    payloads text;
    counted bigint[];
BEGIN
    SELECT * INTO archive FROM activity_archive
    WHERE id = archive_id AND dropped_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no such archive, or its month was dropped before'
            USING ERRCODE = 'integrity_constraint_violation';
    ELSIF (archive.month + interval '1 month')::timestamp AT TIME ZONE 'UTC' > now() THEN
        RAISE EXCEPTION 'the month is not over' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    events := 'activity_event' || to_char(archive.month, '_YYYY_MM');
    payloads := 'activity_payload' || to_char(archive.month, '_YYYY_MM');
    EXECUTE format('LOCK TABLE %I, %I IN SHARE MODE', payloads, events);
    EXECUTE format(
        'SELECT ARRAY[(SELECT count(*) FROM %I), count(*) FILTER (WHERE erased_at IS NULL),'
        ' count(*) FILTER (WHERE erased_at IS NOT NULL)] FROM %I', events, payloads
    ) INTO counted;
    IF counted <> ARRAY[archive.records, archive.payloads, archive.erased] THEN
        RAISE EXCEPTION 'the month holds %, and its archive %', counted,
            ARRAY[archive.records, archive.payloads, archive.erased]
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    EXECUTE format('ALTER TABLE activity_event DETACH PARTITION %I', events);
    EXECUTE format('ALTER TABLE activity_payload DETACH PARTITION %I', payloads);
    EXECUTE format('DROP TABLE %I, %I', events, payloads);
END $$;
"""

# One payload goes only where two people asked for it and approved it.
ERASE_PAYLOAD = """
CREATE FUNCTION activity_erase_payload(erasure_id bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    erasure activity_erasure;
    changed integer;
BEGIN
    SELECT * INTO erasure FROM activity_erasure
    WHERE id = erasure_id AND state = 'approved' AND decided_by_id <> asked_by_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'nobody approved this erasure'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    UPDATE activity_payload SET salt = NULL, body = NULL, erased_at = now()
    WHERE log_id = erasure.log_id AND leaf_index = erasure.leaf_index
      AND recorded_at = erasure.recorded_at AND salt IS NOT NULL;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END $$;
"""

CLOSE_THOSE_THERE_ARE = """
SELECT activity_close_partition(inhrelid::regclass) FROM pg_inherits
WHERE inhparent IN ('activity_event'::regclass, 'activity_payload'::regclass);
"""

MAKE = "".join(
    [
        CLOSE_PARTITION,
        MAKE_PARTITIONS,
        EMPTY_REST,
        DROP_PARTITION,
        ERASE_PAYLOAD,
        CLOSE_THOSE_THERE_ARE,
    ]
)
DROP = """
DROP FUNCTION activity_erase_payload;
DROP FUNCTION activity_drop_partition;
DROP FUNCTION activity_empty_rest;
"""
