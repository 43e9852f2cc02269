"""Sessions without their cache."""

from __future__ import annotations

import pytest
import redis

from apps.core.cache import SessionCache, outage

GONE = {"OPTIONS": {"socket_timeout": 0.2, "socket_connect_timeout": 0.2}}


@pytest.fixture
def cache():
    yield SessionCache("redis://127.0.0.1:9/1", GONE)
    outage.forget()


def test_reads_miss_and_writes_are_dropped_and_the_log_says_it_once(cache, caplog):
    for _ in range(20):
        cache.set("a", 1)
        assert cache.get("a", "missing") == "missing"
        outage._asked_again_at = 0
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_an_ended_session_is_not_forgotten_silently(cache):
    with pytest.raises(redis.RedisError):
        cache.delete("a")
