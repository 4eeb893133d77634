"""The secret passes through: it is in no table, no log, and not with the broker."""

import logging

import pytest
from django.db import connection as database
from redis import Redis

from config.celery import app as celery_app

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker(settings):
    """The broker and cache of a release, where jobs wait instead of running at once."""
    redis = Redis.from_url(settings.REDIS_URL)
    redis.flushdb()
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": settings.REDIS_URL,
            "KEY_PREFIX": "countersign-test-issuing",
        }
    }
    celery_app.conf.task_always_eager = False
    yield redis
    celery_app.conf.task_always_eager = True
    redis.flushdb()


def tables_with(text):
    """Every table of which some row, all columns taken together, holds the text."""
    with database.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        names = [name for (name,) in cursor.fetchall()]
        found = []
        for name in names:
            cursor.execute(
                f'SELECT count(*) FROM "{name}" AS line WHERE strpos(line::text, %s) > 0',  # noqa: S608
                [text],
            )
            if cursor.fetchone()[0]:
                found.append(name)
    return found


def kept_by(redis):
    """All that the broker and the cache hold, as one text."""
    read = {
        b"string": redis.get,
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"hash": redis.hgetall,
        b"set": redis.smembers,
        b"zset": lambda key: redis.zrange(key, 0, -1, withscores=True),
    }
    return repr([(key, read[redis.type(key)](key)) for key in redis.scan_iter()])


def logged(caplog):
    return caplog.text + repr([vars(one) for one in caplog.records])


@pytest.mark.parametrize("what", ["token", "private_key"])
def test_the_secret_is_kept_nowhere(house, broker, caplog, what):
    caplog.set_level(logging.DEBUG)

    answer = house.ask_token() if what == "token" else house.ask_lease()
    secret = answer.json()["secret"][what]
    told = answer.json()["credential"]
    house.caller.post("credential_end", told["id"], body={"reason": "Done."})
    house.ask_token()

    assert len(secret) > 16
    for part in {secret, secret[:40], *secret.splitlines()[1:2]}:
        assert tables_with(part) == []
        assert part not in logged(caplog)
        assert part not in kept_by(broker)
    # The search finds what is there.
    assert "issuing_issuance" in tables_with(told["external_id"])
    assert "issuing.run_ending" in kept_by(broker)


def test_not_even_when_it_cannot_be_recorded(house, server, broker, caplog, out_of_order):
    caplog.set_level(logging.DEBUG)
    before = set(server.tokens)
    issued = {}
    answer_of = server.answer

    def answering(method, path, *rest):
        code, said = answer_of(method, path, *rest)
        if path == house.world.token_path:
            issued["token"] = said["auth"]["client_token"]
        return code, said

    server.answer = answering
    out_of_order("issuing_issuance")

    answer = house.ask_token()

    assert issued["token"] not in before
    assert answer.status_code == 500
    assert issued["token"] not in answer.text + logged(caplog) + kept_by(broker)
    assert tables_with(issued["token"]) == []
    assert "could not be recorded" in caplog.text
