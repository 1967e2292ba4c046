# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that settings name, as the documentation of Django and of packages for it writes them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import neighbours
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Neighbour

Row = tuple[Any, ...]


def rows(settings: dict[str, Any]) -> list[Row]:
    """Give kind, setting, role, where, and database of each."""
    return [
        (item.kind, item.setting, item.role, item.path or f"{item.host}:{item.port}", item.database)
        for item in neighbours.parse(settings)
    ]


REDIS = "django.core.cache.backends.redis.RedisCache"
DEFAULT = "CACHES['default']"


@pytest.mark.parametrize(
    ("cache", "expected"),
    [
        ({"BACKEND": REDIS, "LOCATION": "redis://127.0.0.1:6379"}, [("redis", "127.0.0.1:6379", "0")]),
        (
            {"BACKEND": REDIS, "LOCATION": ["redis://10.0.0.1:6379/1", "redis://10.0.0.2:6379/1"]},
            [("redis", "10.0.0.1:6379", "1"), ("redis", "10.0.0.2:6379", "1")],
        ),
        (
            {"BACKEND": REDIS, "LOCATION": "redis://a/2,redis://b/2"},
            [("redis", "a:6379", "2"), ("redis", "b:6379", "2")],
        ),
        (
            {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "unix:///run/redis/redis.sock?db=3"},
            [("redis", "/run/redis/redis.sock", "3")],
        ),
        (
            {"BACKEND": "redis_cache.RedisCache", "LOCATION": "/var/run/redis.sock"},
            [("redis", "/var/run/redis.sock", "")],
        ),
        (
            {"BACKEND": "redis_cache.RedisCache", "LOCATION": "localhost:6379", "OPTIONS": {"DB": 1}},
            [("redis", "localhost:6379", "1")],
        ),
        (
            {
                "BACKEND": "django_redis.cache.RedisCache",
                "LOCATION": "redis://service/0",
                "OPTIONS": {"SENTINELS": [["s1", 26379], ["s2", 26379]]},
            },
            [("redis sentinel", "s1:26379", ""), ("redis sentinel", "s2:26379", "")],
        ),
        (
            {"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache", "LOCATION": "127.0.0.1:11211"},
            [("memcached", "127.0.0.1:11211", "")],
        ),
        (
            {"BACKEND": "django.core.cache.backends.memcached.PyLibMCCache", "LOCATION": "unix:/tmp/memcached.sock"},
            [("memcached", "/tmp/memcached.sock", "")],
        ),
        (
            {
                "BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache",
                "LOCATION": ["172.19.26.240:11211", "172.19.26.242:11212"],
            },
            [("memcached", "172.19.26.240:11211", ""), ("memcached", "172.19.26.242:11212", "")],
        ),
        (
            {"BACKEND": "django_bmemcached.memcached.BMemcached"},
            [("memcached", "127.0.0.1:11211", "")],
        ),
        ({"BACKEND": REDIS, "LOCATION": "rediss://[::1]:6380/4"}, [("redis", "::1:6380", "4")]),
        ({"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "unique-snowflake"}, []),
        ({"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "my_cache_table"}, []),
        ({"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": "/var/tmp/django"}, []),
        ({"BACKEND": "django.core.cache.backends.dummy.DummyCache"}, []),
        ({"BACKEND": REDIS, "LOCATION": None}, []),
        ({"BACKEND": REDIS, "LOCATION": [[[[["redis://h"]]]], 3, {}]}, [("redis", "h:6379", "0")]),
        ({"BACKEND": 3}, []),
        ("nonsense", []),
    ],
)
def test_caches(cache: Any, expected: list[Row]) -> None:
    found = [(kind, where, database) for kind, _setting, _role, where, database in rows({"CACHES": {"default": cache}})]
    assert found == expected


@pytest.mark.parametrize(
    ("more", "role"),
    [
        ({}, "cache"),
        ({"SESSION_ENGINE": "django.contrib.sessions.backends.cache"}, "sessions"),
        ({"SESSION_ENGINE": "django.contrib.sessions.backends.cached_db"}, "cache"),
        ({"SESSION_ENGINE": "django.contrib.sessions.backends.cache", "SESSION_CACHE_ALIAS": "other"}, "cache"),
    ],
)
def test_what_a_cache_holds(more: dict[str, Any], role: str) -> None:
    settings = {"CACHES": {"default": {"BACKEND": REDIS, "LOCATION": "redis://h/1"}}, **more}
    assert [item.role for item in neighbours.parse(settings)] == [role]


Q, R = "task queue", "task results"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        # Celery
        ({"CELERY_BROKER_URL": "redis://localhost:6379/0"}, [("redis", "CELERY_BROKER_URL", Q, "localhost:6379", "0")]),
        (
            {"CELERY_BROKER_URL": "amqp://localhost:5672/shop", "CELERY_RESULT_BACKEND": "django-db"},
            [("rabbitmq", "CELERY_BROKER_URL", Q, "localhost:5672", "shop")],
        ),
        ({"BROKER_URL": "amqp://localhost//"}, [("rabbitmq", "BROKER_URL", Q, "localhost:5672", "/")]),
        ({"CELERY_BROKER_URL": "amqp://"}, [("rabbitmq", "CELERY_BROKER_URL", Q, "localhost:5672", "/")]),
        (
            {"CELERY_BROKER_URL": "amqps://mq.example.org"},
            [("rabbitmq", "CELERY_BROKER_URL", Q, "mq.example.org:5671", "/")],
        ),
        (
            {"CELERY_BROKER_URL": "redis+socket:///run/redis.sock?virtual_host=1"},
            [("redis", "CELERY_BROKER_URL", Q, "/run/redis.sock", "1")],
        ),
        (
            {"CELERY_BROKER_URL": "sentinel://a:26379;sentinel://b:26379"},
            [("redis", "CELERY_BROKER_URL", Q, "a:26379", "0"), ("redis", "CELERY_BROKER_URL", Q, "b:26379", "0")],
        ),
        ({"CELERY_BROKER_URL": "memory://"}, []),
        ({"CELERY_BROKER_URL": "sqs://"}, [("sqs", "CELERY_BROKER_URL", Q, "localhost:None", "")]),
        (
            {"CELERY_RESULT_BACKEND": "redis://r/1", "CELERY_BROKER_TRANSPORT_OPTIONS": {"host": "x"}},
            [("redis", "CELERY_RESULT_BACKEND", R, "r:6379", "1")],
        ),
        ({"CELERY_RESULT_BACKEND": "db+sqlite:///results.sqlite"}, []),
        (
            {"CELERY_RESULT_BACKEND": "cache+memcached://127.0.0.1:11211/"},
            [("memcached", "CELERY_RESULT_BACKEND", R, "127.0.0.1:11211", "")],
        ),
        (
            {"BROKER_HOST": "mq", "BROKER_PORT": "5673", "BROKER_VHOST": "v"},
            [("rabbitmq", "BROKER_HOST", Q, "mq:5673", "v")],
        ),
        (
            {"celery": {"shop": {"broker_url": "redis://c/2", "result_backend": "rpc://"}}},
            [("redis", "broker_url of the Celery app shop", Q, "c:6379", "2")],
        ),
        (
            {"CELERY_BROKER_URL": "redis://c/2", "celery": {"shop": {"broker_url": "redis://c/2"}}},
            [("redis", "CELERY_BROKER_URL", Q, "c:6379", "2")],
        ),
        # RQ, Huey, Dramatiq, Django Q
        (
            {
                "RQ_QUEUES": {
                    "default": {"HOST": "localhost", "PORT": 6379, "DB": 0, "DEFAULT_TIMEOUT": 360},
                    "high": {"URL": "redis://h:6379/3"},
                    "low": {"USE_REDIS_CACHE": "redis-cache"},
                    "socket": {"UNIX_SOCKET_PATH": "/run/redis.sock", "DB": 1},
                }
            },
            [
                ("redis", "RQ_QUEUES['default']", Q, "localhost:6379", "0"),
                ("redis", "RQ_QUEUES['high']", Q, "h:6379", "3"),
                ("redis", "RQ_QUEUES['socket']", Q, "/run/redis.sock", "1"),
            ],
        ),
        (
            {
                "HUEY": {
                    "huey_class": "huey.RedisHuey",
                    "immediate": False,
                    "connection": {"host": "localhost", "port": 6380, "db": 1, "url": None},
                }
            },
            [("redis", "HUEY", Q, "localhost:6380", "1")],
        ),
        (
            {"HUEY": {"huey_class": "huey.PriorityRedisHuey", "url": "redis://h/5"}},
            [("redis", "HUEY", Q, "h:6379", "5")],
        ),
        ({"HUEY": {"huey_class": "huey.RedisHuey"}}, [("redis", "HUEY", Q, "localhost:6379", "0")]),
        ({"HUEY": {"huey_class": "huey.SqliteHuey", "filename": "x.db"}}, []),
        ({"HUEY": {"huey_class": "huey.RedisHuey", "immediate": True}}, []),
        ({"HUEY": {"huey_class": "huey.RedisHuey", "immediate": True, "url": "redis://h/5"}}, []),
        ({"HUEY": "huey.api.RedisHuey"}, []),
        (
            {
                "DRAMATIQ_BROKER": {
                    "BROKER": "dramatiq.brokers.rabbitmq.RabbitmqBroker",
                    "OPTIONS": {"url": "amqp://localhost:5672"},
                }
            },
            [("rabbitmq", "DRAMATIQ_BROKER", Q, "localhost:5672", "/")],
        ),
        (
            {
                "DRAMATIQ_RESULT_BACKEND": {
                    "BACKEND": "dramatiq.results.backends.redis.RedisBackend",
                    "BACKEND_OPTIONS": {"url": "redis://localhost:6379"},
                }
            },
            [("redis", "DRAMATIQ_RESULT_BACKEND", R, "localhost:6379", "0")],
        ),
        (
            {"Q_CLUSTER": {"name": "p", "redis": {"host": "127.0.0.1", "port": 6379, "db": 2}}},
            [("redis", "Q_CLUSTER", Q, "127.0.0.1:6379", "2")],
        ),
        ({"Q_CLUSTER": {"redis": "redis://q/1"}}, [("redis", "Q_CLUSTER", Q, "q:6379", "1")]),
        ({"Q_CLUSTER": {"name": "DjangORM", "orm": "default"}}, []),
        # channels
        (
            {
                "CHANNEL_LAYERS": {
                    "default": {
                        "BACKEND": "channels_redis.core.RedisChannelLayer",
                        "CONFIG": {"hosts": [["127.0.0.1", 6379]]},
                    }
                }
            },
            [("redis", "CHANNEL_LAYERS['default']", "channel layer", "127.0.0.1:6379", "")],
        ),
        (
            {
                "CHANNEL_LAYERS": {
                    "default": {
                        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
                        "CONFIG": {"hosts": [{"address": "redis://a:6379/1"}, "redis://b:6379/2", "unix:///x.sock"]},
                    }
                }
            },
            [
                ("redis", "CHANNEL_LAYERS['default']", "channel layer", "a:6379", "1"),
                ("redis", "CHANNEL_LAYERS['default']", "channel layer", "b:6379", "2"),
                ("redis", "CHANNEL_LAYERS['default']", "channel layer", "/x.sock", ""),
            ],
        ),
        ({"CHANNEL_LAYERS": {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}}, []),
        # search
        (
            {
                "HAYSTACK_CONNECTIONS": {
                    "default": {
                        "ENGINE": "haystack.backends.elasticsearch7_backend.Elasticsearch7SearchEngine",
                        "URL": "http://127.0.0.1:9200/",
                        "INDEX_NAME": "haystack",
                    }
                }
            },
            [("elasticsearch", "HAYSTACK_CONNECTIONS['default']", "search", "127.0.0.1:9200", "")],
        ),
        (
            {
                "HAYSTACK_CONNECTIONS": {
                    "default": {
                        "ENGINE": "haystack.backends.solr_backend.SolrEngine",
                        "URL": "http://127.0.0.1:8983/solr/tester",
                    }
                }
            },
            [("solr", "HAYSTACK_CONNECTIONS['default']", "search", "127.0.0.1:8983", "")],
        ),
        (
            {"EVENTS_PUSH_BACKEND_OPTIONS": {"url": "amqp://taiga-events-rabbitmq:5672/taiga"}},
            [("rabbitmq", "EVENTS_PUSH_BACKEND_OPTIONS", "store", "taiga-events-rabbitmq:5672", "taiga")],
        ),
        (
            {"ELASTIC_SEARCH_CONFIG": [{"use_ssl": False, "host": "localhost", "port": 9200}]},
            [("elasticsearch", "ELASTIC_SEARCH_CONFIG", "search", "localhost:9200", "")],
        ),
        ({"HAYSTACK_CONNECTIONS": {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}}, []),
        (
            {
                "WAGTAILSEARCH_BACKENDS": {
                    "default": {"BACKEND": "wagtail.search.backends.elasticsearch8", "URLS": ["https://es:9243"]}
                }
            },
            [("elasticsearch", "WAGTAILSEARCH_BACKENDS['default']", "search", "es:9243", "")],
        ),
        ({"WAGTAILSEARCH_BACKENDS": {"default": {"BACKEND": "wagtail.search.backends.database"}}}, []),
        (
            {"ELASTICSEARCH_DSL": {"default": {"hosts": "localhost:9200"}}},
            [("elasticsearch", "ELASTICSEARCH_DSL['default']", "search", "localhost:9200", "")],
        ),
        (
            {"OPENSEARCH_DSL": {"default": {"hosts": [{"host": "os", "port": 9201}]}}},
            [("opensearch", "OPENSEARCH_DSL['default']", "search", "os:9201", "")],
        ),
        (
            {"MEILISEARCH": {"HTTPS": False, "HOST": "localhost", "PORT": 7701}},
            [("meilisearch", "MEILISEARCH", "search", "localhost:7701", "")],
        ),
        (
            {"MEILISEARCH_URL": "http://127.0.0.1:7700"},
            [("meilisearch", "MEILISEARCH_URL", "search", "127.0.0.1:7700", "")],
        ),
        # mail
        (
            {"EMAIL_HOST": "smtp.example.org", "EMAIL_PORT": 587},
            [("smtp", "EMAIL_HOST", "mail", "smtp.example.org:587", "")],
        ),
        (
            {"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend"},
            [("smtp", "EMAIL_HOST", "mail", "localhost:25", "")],
        ),
        ({"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend", "EMAIL_HOST": "x"}, []),
        ({"EMAIL_BACKEND": "anymail.backends.mailgun.EmailBackend", "EMAIL_HOST": "x"}, []),
        (
            {"EMAIL_BACKEND": "post_office.EmailBackend", "EMAIL_HOST": "x"},
            [("smtp", "EMAIL_HOST", "mail", "x:25", "")],
        ),
        # storage
        (
            {
                "STORAGES": {
                    "default": {
                        "BACKEND": "storages.backends.s3.S3Storage",
                        "OPTIONS": {"bucket_name": "b", "endpoint_url": "https://minio.example.org:9000"},
                    },
                    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
                }
            },
            [("s3", "STORAGES['default']", "storage", "minio.example.org:9000", "b")],
        ),
        (
            {
                "DEFAULT_FILE_STORAGE": "storages.backends.s3boto3.S3Boto3Storage",
                "AWS_STORAGE_BUCKET_NAME": "b",
                "AWS_S3_REGION_NAME": "eu-central-1",
            },
            [("s3", "DEFAULT_FILE_STORAGE", "storage", "s3.eu-central-1.amazonaws.com:443", "b")],
        ),
        (
            {
                "STORAGES": {"default": {"BACKEND": "storages.backends.gcloud.GoogleCloudStorage"}},
                "GS_BUCKET_NAME": "g",
            },
            [("gcs", "STORAGES['default']", "storage", "storage.googleapis.com:443", "g")],
        ),
        (
            {
                "DEFAULT_FILE_STORAGE": "django.core.files.storage.FileSystemStorage",
                "AWS_STORAGE_BUCKET_NAME": "unused",
            },
            [],
        ),
        # the rest
        (
            {"SENTRY_DSN": "https://o1.ingest.sentry.io/42"},
            [("sentry", "SENTRY_DSN", "error reports", "o1.ingest.sentry.io:443", "")],
        ),
        ({"SENTRY_DSN": ""}, []),
        (
            {
                "LOGGING": {
                    "handlers": {
                        "s": {"class": "logging.handlers.SysLogHandler", "address": "/dev/log"},
                        "t": {"class": "logging.handlers.SysLogHandler", "address": ["logs", 1514]},
                        "g": {"class": "graypy.GELFUDPHandler", "host": "graylog", "port": 12201},
                        "f": {"class": "logging.FileHandler", "filename": "x"},
                        "h": {"class": "logging.handlers.SMTPHandler", "mailhost": "mx"},
                    }
                }
            },
            [
                ("syslog", "LOGGING handler 's'", "log", "/dev/log", ""),
                ("syslog", "LOGGING handler 't'", "log", "logs:1514", ""),
                ("log", "LOGGING handler 'g'", "log", "graylog:12201", ""),
                ("smtp", "LOGGING handler 'h'", "mail", "mx:25", ""),
            ],
        ),
        (
            {"AUTH_LDAP_SERVER_URI": "ldap://a.example.org ldaps://b.example.org"},
            [
                ("ldap", "AUTH_LDAP_SERVER_URI", "logins", "a.example.org:389", ""),
                ("ldap", "AUTH_LDAP_SERVER_URI", "logins", "b.example.org:636", ""),
            ],
        ),
        (
            {"CACHEOPS_REDIS": {"host": "localhost", "port": 6379, "db": 1}},
            [("redis", "CACHEOPS_REDIS", "store", "localhost:6379", "1")],
        ),
        ({"REDIS_HOST": "r", "REDIS_PORT": "6380"}, [("redis", "REDIS_HOST", "store", "r:6380", "")]),
        (
            {"SESSION_ENGINE": "redis_sessions.session", "SESSION_REDIS": {"host": "s", "port": 6379, "db": 0}},
            [("redis", "SESSION_REDIS", "sessions", "s:6379", "0")],
        ),
        # Known by another setting: not named a second time.
        (
            {"REDIS_URL": "redis://h/0", "CELERY_BROKER_URL": "redis://h/1"},
            [("redis", "CELERY_BROKER_URL", Q, "h:6379", "1")],
        ),
        ({"MY_STORE": "redis://h/7"}, [("redis", "MY_STORE", "store", "h:6379", "7")]),
        ({"SITE_URL": "https://www.example.org/x"}, []),
    ],
)
def test_settings(settings: dict[str, Any], expected: list[Row]) -> None:
    assert rows(settings) == expected


def test_settings_of_netbox() -> None:
    """Its configuration.py becomes these."""
    settings = {
        "CACHES": {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://localhost:6379/1"}},
        "RQ_QUEUES": {
            name: {"HOST": "localhost", "PORT": 6379, "SSL": False, "DB": 0} for name in ("high", "default", "low")
        },
        "EMAIL_HOST": "localhost",
        "EMAIL_PORT": 25,
        "SENTRY_DSN": None,
        "REDIS": {"tasks": {}},
    }
    assert {(item.kind, item.role, item.database) for item in neighbours.parse(settings)} == {
        ("redis", "cache", "1"),
        ("redis", "task queue", "0"),
        ("smtp", "mail", ""),
    }


@pytest.mark.parametrize(
    "name",
    [
        "CACHES",
        "RQ_QUEUES",
        "HUEY",
        "CHANNEL_LAYERS",
        "STORAGES",
        "LOGGING",
        "SESSION_ENGINE",
        "EMAIL_HOST",
        "EMAIL_BACKEND",
        "CELERY_BROKER_URL",
        "celery",
        "sentry",
        "REDIS_HOST",
        "WAGTAILSEARCH_BACKENDS",
        "DRAMATIQ_BROKER",
        "HAYSTACK_CONNECTIONS",
        "MEILISEARCH",
        "ELASTICSEARCH_DSL",
        "AUTH_LDAP_SERVER_URI",
        "RAVEN_CONFIG",
        "BROKER_HOST",
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        None,
        3,
        True,
        "",
        "://",
        ":::",
        "redis://",
        "[",
        [],
        [[]],
        {},
        {"a": None},
        {"default": {"BACKEND": "redis", "LOCATION": {"a": 1}, "OPTIONS": 3}},
        "\0",
        "redis://h:99999999/x",
    ],
)
def test_odd_values(name: str, value: Any) -> None:
    for item in neighbours.parse({name: value}):
        assert isinstance(item.host, str) and (item.port is None or 0 < item.port < 65536)


WHOOSH = {"default": {"ENGINE": "haystack.backends.whoosh_backend.WhooshEngine", "PATH": "/srv/shop/whoosh"}}
FILES = "django.contrib.sessions.backends.file"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"SESSION_ENGINE": FILES}, ["sessions are kept in temporary files"]),
        ({"SESSION_ENGINE": FILES, "SESSION_FILE_PATH": "/srv/s"}, ["sessions are kept in files below /srv/s"]),
        ({"HAYSTACK_CONNECTIONS": WHOOSH}, ["HAYSTACK_CONNECTIONS['default'] keeps its index in /srv/shop/whoosh"]),
        ({"SESSION_ENGINE": "django.contrib.sessions.backends.db", "HAYSTACK_CONNECTIONS": {"default": 3}}, []),
        ({}, []),
    ],
)
def test_what_is_kept_in_files(settings: dict[str, Any], expected: list[str]) -> None:
    assert [item.what for item in neighbours.beside(settings)] == expected
    assert neighbours.parse(settings) == []


DATABASES = [
    {
        "alias": "default",
        "vendor": "postgresql",
        "backend": "x",
        "name": "shop",
        "host": "",
        "port": None,
        "same_as": "",
    },
    {
        "alias": "old",
        "vendor": "mysql",
        "backend": "x",
        "name": "crm",
        "host": "db.example.org",
        "port": None,
        "same_as": "",
    },
    {"alias": "read", "vendor": "mysql", "backend": "x", "name": "crm", "host": "r", "port": None, "same_as": "old"},
    {"alias": "file", "vendor": "sqlite", "backend": "x", "name": "/x", "host": "", "port": None, "same_as": ""},
    {"alias": "sock", "vendor": "", "backend": "a.b.mssql", "name": "y", "host": "/run/x", "port": 1, "same_as": ""},
]


def test_databases_that_stay() -> None:
    assert neighbours.parse({}, DATABASES, ["default"]) == [
        Neighbour("mysql", "DATABASES['old']", "database", "db.example.org", 3306, "", "crm"),
        Neighbour("mssql", "DATABASES['sock']", "database", "", None, "/run/x", "y"),
    ]
