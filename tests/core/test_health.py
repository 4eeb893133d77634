import json
import logging
import logging.config

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from redis.exceptions import ConnectionError as BrokerGone

from apps.core.logs import RequestIdFilter, current_request_id


def test_healthz_answers_anybody(client, db):
    response = client.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "alive"})


def test_readyz_says_that_database_broker_and_migrations_are_there(client, db):
    response = client.get("/readyz")

    assert (response.status_code, response.json()) == (
        200,
        {"status": "ready", "database": True, "broker": True, "migrations": True},
    )


def test_readyz_is_503_without_a_broker(client, db, monkeypatch):
    def refuse(key):
        raise BrokerGone

    monkeypatch.setattr(cache, "get", refuse)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["broker"] is False


def test_readyz_is_503_while_a_migration_is_missing(client, db):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'core'")

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["migrations"] is False


def test_each_answer_carries_the_id_of_its_log_lines(client, db, caplog):
    with caplog.at_level(logging.INFO, logger="countersign.access"):
        response = client.get("/healthz")

    assert [record.getMessage() for record in caplog.records] == ["GET /healthz 200"]
    assert len(response["X-Request-ID"]) == 32
    assert current_request_id.get() == ""


@pytest.mark.parametrize(
    ("address", "logged"),
    [
        ("/settings/invitation/SECRETtoken/", "/settings/invitation/..."),
        ("/accounts/password/reset/key/1-SECRETkey/", "/accounts/password/reset/key/1-***/"),
    ],
)
def test_what_lets_somebody_in_is_not_logged(client, db, caplog, address, logged):
    with caplog.at_level(logging.INFO, logger="countersign.access"):
        client.get(address)

    lines = [one.getMessage() for one in caplog.records if one.name == "countersign.access"]
    assert len(lines) == 1
    assert lines[0].startswith(f"GET {logged} ")


def test_a_production_log_line_is_json_with_the_request_id(settings):
    formatter = settings.LOGGING["formatters"]["json"]
    config = {
        "version": 1,
        "formatters": {"json": formatter},
        "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "json"}},
    }
    logging.config.DictConfigurator(config).configure()
    handler = logging.getHandlerByName("out")
    record = logging.LogRecord("countersign", logging.INFO, "", 0, "said", (), None)
    token = current_request_id.set("a" * 32)
    RequestIdFilter().filter(record)
    current_request_id.reset(token)

    line = json.loads(handler.format(record))

    assert (line["level"], line["message"], line["request_id"]) == ("INFO", "said", "a" * 32)


@pytest.fixture
def application_role(db):
    """The role the embedded server made; where the owner may make one itself, that."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname FROM pg_roles"
            " WHERE rolcanlogin AND NOT rolsuper AND rolname <> current_user"
        )
        known = cursor.fetchone()
        if known is None:
            cursor.execute("CREATE ROLE countersign_test_application")
    return known[0] if known else "countersign_test_application"


@pytest.mark.parametrize("table", ["audit_auditentry", "reviews_decision"])
def test_the_application_role_may_add_to_the_record_and_never_change_it(application_role, table):
    call_command("database_grant", application_role, verbosity=0)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege(%s, %s, p) FROM unnest(ARRAY['INSERT', 'SELECT', 'UPDATE',"
            " 'DELETE', 'TRUNCATE']) p",
            [application_role, table],
        )
        may = [row[0] for row in cursor.fetchall()]

    assert may == [True, True, False, False, False]


def test_the_owner_cannot_be_granted_the_application_s_rights(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        [owner] = cursor.fetchone()

    with pytest.raises(CommandError, match="Sign in as the owner"):
        call_command("database_grant", owner)


def test_an_unknown_role_is_refused(db):
    with pytest.raises(CommandError, match="There is no role nobody_at_all"):
        call_command("database_grant", "nobody_at_all")
