"""A company of a million credentials and a million grants, made by the database itself."""

from dataclasses import dataclass

from django.db import connection
from django.db.backends.utils import CursorWrapper

SYSTEMS = 15


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is. Credentials and grants are five to an identity."""

    identities: int = 200_000
    agents: int = 20_000

    @property
    def credentials(self) -> int:
        return self.identities * 5

    @property
    def grants(self) -> int:
        return self.identities * 5


def company_make(size: Size) -> None:
    """Fill an empty, migrated database. At most one row in twenty carries a finding."""
    with connection.cursor() as cursor:
        put_aside = _search_indexes(cursor)
        for name in put_aside:
            cursor.execute(f'DROP INDEX "{name}"')
        for statement in STATEMENTS:
            cursor.execute(
                statement,
                {"identities": size.identities, "agents": size.agents, "systems": SYSTEMS},
            )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("SET maintenance_work_mem = '256MB'")
        for definition in put_aside.values():
            cursor.execute(definition)
        cursor.execute("RESET maintenance_work_mem")
        cursor.execute("ANALYZE" if connection.in_atomic_block else "VACUUM ANALYZE")


def _search_indexes(cursor: CursorWrapper) -> dict[str, str]:
    """The trigram indexes by name: quicker built over all rows than kept up row by row."""
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes"
        " WHERE schemaname = current_schema() AND indexname LIKE %s",
        ["%_trgm"],
    )
    return dict(cursor.fetchall())


# People 1..200 own agents; 201..220 manage teams; 221 is the steward.
STATEMENTS = (
    """INSERT INTO accounts_user (id, password, is_superuser, username, first_name, last_name,
         email, is_staff, is_active, date_joined, display_name, role, time_zone)
       OVERRIDING SYSTEM VALUE
       SELECT n, '!', false, 'person-' || n || '@example.com', '', '',
         'person-' || n || '@example.com', false, true, now(), 'Person ' || n,
         CASE WHEN n = 221 THEN 'steward' ELSE 'reviewer' END, 'UTC'
       FROM generate_series(1, 221) n""",
    """INSERT INTO accounts_team (id, name, manager_id, created_at) OVERRIDING SYSTEM VALUE
       SELECT n, 'Team ' || n, 200 + n, now() FROM generate_series(1, 20) n""",
    """INSERT INTO inventory_source (id, stream, format, account, label, file_name, raw_sha256,
         raw_bytes, command, read_count, accepted_count, rejected_count, changes, rejected, notes,
         independently_obtained, brought_by_label, channel, read_at)
       OVERRIDING SYSTEM VALUE
       VALUES (1, 'countersign:bench', 'countersign', '', 'Bench', '', repeat('0', 64), 0, '',
         0, 0, 0, '{}', '[]', '[]', false, 'bench', 'command', now())""",
    """INSERT INTO inventory_system (id, name, kind, account, description, environment, tags,
         log_connected, created_at, stream) OVERRIDING SYSTEM VALUE
       SELECT n, 'System ' || n, 'bench', '', '', 'production', '{}', true, now(), ''
       FROM generate_series(1, %(systems)s) n""",
    """INSERT INTO inventory_agent (id, name, purpose, purpose_changed_at, design_changed_at,
         owner_id, team_id, environment, platform, autonomy, has_human_step, version, model,
         instructions_sha256, tools, trail_connected, state, activation_gaps, created_at, stream)
       OVERRIDING SYSTEM VALUE
       SELECT n, 'agent-' || n, 'Does what task ' || n || ' asks.', now(), now() - interval '1 day',
         1 + n %% 200, 1 + n %% 20, 'production', '', 'asks', true, '1', '', '', '[]', true,
         'active', '[]', now(), ''
       FROM generate_series(1, %(agents)s) n""",
    """INSERT INTO inventory_identity (id, system_id, name, kind, external_id, is_service_linked,
         trust, facts, created_at, stream, source_id, first_seen_at, last_used_at)
       OVERRIDING SYSTEM VALUE
       SELECT n, 1 + n %% %(systems)s, 'svc-' || n, 'service-account', 'bench:svc-' || n, false,
         '{}', '{}', now(), 'countersign:bench', 1, now() - n * interval '1 minute',
         now() - n * interval '13 seconds'
       FROM generate_series(1, %(identities)s) n""",
    """INSERT INTO inventory_binding (agent_id, identity_id, how, stream)
       SELECT 1 + n %% %(agents)s, n, 'declared', '' FROM generate_series(1, %(identities)s) n""",
    """INSERT INTO inventory_credential (identity_id, kind, external_id, label, fingerprint,
         stored_in, stored_at, issued_at, rotated_at, rotation_days, last_used_at, use_is_known,
         facts, state, stream, source_id)
       SELECT n, 'api-key', 'key-' || n || '-' || k, '', md5(n || '-' || k) || md5(k || '+' || n),
         'secret-manager', '', now() - (n * 5 + k) %% 80 * interval '1 day', now(),
         CASE WHEN (n * 5 + k) %% 40 = 0 THEN NULL ELSE 30 END,
         now() - (n * 5 + k) %% 40 * interval '1 day', true, '{}', 'active',
         'countersign:bench', 1
       FROM generate_series(1, %(identities)s) n, generate_series(1, 5) k""",
    """INSERT INTO grants_grant (identity_id, system_id, service, level, label, tags,
         action_count, actions_sample, resource_scope, has_conditions, limits, unknown_actions,
         classified_by, content_sha256, use_is_known, last_used_at, state, stream, source_id,
         first_seen_at)
       SELECT n, 1 + n %% %(systems)s, 'service-' || k,
         CASE WHEN k <= 3 THEN 'read' WHEN k = 4 THEN 'write' ELSE 'admin' END,
         'svc-' || n || ' · System ' || (1 + n %% %(systems)s) || ' · service-' || k,
         CASE k WHEN 2 THEN '{reads-private}'::varchar[] WHEN 4 THEN '{changes}' ELSE '{}' END, 2,
         'items.read', '*', false, '[]', '[]', 'bench', md5(n || '/' || k) || md5(k || '/' || n),
         true, now() - (n * 5 + k) %% 200 * interval '1 day', 'active', 'countersign:bench', 1,
         now() - n * interval '1 minute'
       FROM generate_series(1, %(identities)s) n, generate_series(1, 5) k""",
    """INSERT INTO grants_grantstatement (grant_id, position, effect, actions, resources,
         not_resources, conditions, policy, policy_key, "group")
       SELECT id, 0, 'allow', '["items.read", "items.list"]', '["*"]', '[]', '{}', 'bench', '', ''
       FROM grants_grant""",
    """INSERT INTO grants_justification (grant_id, reason, reason_sha256, ticket, given_by_label,
         until)
       SELECT id, 'Needed for task ' || id, md5(id::text) || md5('x' || id), '', 'bench',
         current_date + 200
       FROM grants_grant WHERE level <> 'read' AND id %% 20 <> 0""",
    """UPDATE grants_grant SET justification_id = j.id, justified_until = j.until
       FROM grants_justification j WHERE j.grant_id = grants_grant.id""",
    """SELECT setval(pg_get_serial_sequence('accounts_user', 'id'), 1000),
              setval(pg_get_serial_sequence('accounts_team', 'id'), 1000),
              setval(pg_get_serial_sequence('inventory_source', 'id'), 1000),
              setval(pg_get_serial_sequence('inventory_system', 'id'), 1000),
              setval(pg_get_serial_sequence('inventory_agent', 'id'), 10000000),
              setval(pg_get_serial_sequence('inventory_identity', 'id'), 10000000)""",
)
