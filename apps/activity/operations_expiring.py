"""SQL by which words end with their age, and only as long as a setting says so.

The database itself reads the setting and the clock: a mistake in Python erases nothing younger.
"""

MAKE = """
CREATE FUNCTION activity_erase_old_words(
    of_log integer, from_leaf bigint, most integer, OUT erased integer, OUT before_leaf bigint
) LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    days integer;
    cut timestamptz;
    young bigint;
    behind bigint;
BEGIN
    SELECT (value #>> '{}')::integer INTO days FROM core_setting WHERE key = 'words_days';
    IF days IS NULL OR days < 1 THEN
        RAISE EXCEPTION 'no setting says after how many days words end'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    cut := now() - make_interval(days => days);
    SELECT min(leaf_index) FILTER (WHERE recorded_at >= cut), max(leaf_index) + 1
    INTO young, behind FROM (
        SELECT leaf_index, recorded_at FROM activity_payload
        WHERE log_id = of_log AND leaf_index >= from_leaf ORDER BY leaf_index LIMIT most
    ) AS next_ones;
    before_leaf := coalesce(young, behind, from_leaf);
    UPDATE activity_payload SET salt = NULL, body = NULL, erased_at = now()
    WHERE log_id = of_log AND leaf_index >= from_leaf AND leaf_index < before_leaf
      AND recorded_at < cut AND salt IS NOT NULL;
    GET DIAGNOSTICS erased = ROW_COUNT;
END $$;
"""
DROP = "DROP FUNCTION activity_erase_old_words;"
