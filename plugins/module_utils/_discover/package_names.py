# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Knows names of the operating system's packages: which server is which, what Python packages load. Pure.

Names that hold a version of the release are given as the name that a newer release has too, where there is one.
"""

from __future__ import annotations

import re
from typing import Dict, List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.installed import Installed
from ansible_collections.relocate.django.plugins.module_utils._discover.texts import is_number

#: A server by its kind -> names of its package; patterns stand for names that hold a version.
SERVERS: Dict[str, Tuple[str, ...]] = {
    "redis": ("redis-server", "valkey-server", "redis", "valkey"),
    "redis sentinel": ("redis-sentinel", "redis"),
    "memcached": ("memcached",),
    "rabbitmq": ("rabbitmq-server",),
    "elasticsearch": ("elasticsearch",),
    "opensearch": ("opensearch",),
    "meilisearch": ("meilisearch",),
    "typesense": ("typesense-server",),
    "solr": ("solr",),
    "mongodb": ("mongodb-org", "mongodb-server"),
    "beanstalkd": ("beanstalkd",),
    "ldap": ("slapd", "openldap-servers"),
    "smtp": (
        "postfix",
        "exim4-daemon-light",
        "exim4-daemon-heavy",
        "opensmtpd",
        "nullmailer",
        "msmtp-mta",
        "sendmail-bin",
        "exim",
        "sendmail",
    ),
    "user systemd": ("libpam-systemd", "systemd-pam"),
    "syslog": ("rsyslog", "syslog-ng-core"),
    "postgresql": ("postgresql", r"postgresql-\d+", "postgresql-server"),
    "mysql": (
        "mariadb-server",
        r"mariadb-server-[0-9.]+",
        "mysql-server",
        r"mysql-server-[0-9.]+",
        "default-mysql-server",
    ),
    "nginx": ("nginx", "nginx-full", "nginx-extras", "nginx-core", "nginx-light"),
    "apache": ("apache2", "httpd"),
    "mod_wsgi": ("libapache2-mod-wsgi-py3", "python3-mod_wsgi"),
    "supervisor": ("supervisor",),
    "circus": ("circus",),
    "runit": ("runit",),
    "uwsgi": ("uwsgi", "uwsgi-core"),
    "cron": ("cron", "cronie"),
}
#: What Python packages load or start without linking to it; by their canonical names, or an app of Django's.
LOADED: Dict[str, Tuple[str, ...]] = {
    "weasyprint": ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "pango"),
    "python-magic": ("libmagic1", "libmagic1t64", "file-libs"),
    "cairosvg": ("libcairo2", "cairo"),
    "cairocffi": ("libcairo2", "cairo"),
    "pyzbar": ("libzbar0", "libzbar0t64", "zbar"),
    "wand": ("libmagickwand-dev", "ImageMagick-devel"),
    "pdf2image": ("poppler-utils",),
    "pytesseract": ("tesseract-ocr", "tesseract"),
    "ffmpeg-python": ("ffmpeg",),
    "moviepy": ("ffmpeg",),
    "pydub": ("ffmpeg",),
    "pdfkit": ("wkhtmltopdf",),
    "django-wkhtmltopdf": ("wkhtmltopdf",),
    "graphviz": ("graphviz",),
    "pydot": ("graphviz",),
    "pypandoc": ("pandoc",),
    "python-gnupg": ("gnupg", "gnupg2"),
    "ghostscript": ("ghostscript",),
    "psycopg": ("libpq5", "libpq"),
    "mod-wsgi": ("apache2-dev", "httpd-devel"),
    "gis": ("gdal-bin", "libsqlite3-mod-spatialite", "gdal"),
}
_RELEASED = (
    (r"postgresql(-client)?-\d+", r"postgresql\1"),
    (r"(mariadb|mysql)-(server|client)-[0-9.]+", r"\1-\2"),
    (r"(lib)?python3\.\d+(-minimal|-stdlib)?", "python3"),
    (r"(gcc|g\+\+|cpp)-\d+", r"\1"),
    (r"ruby[0-9.]+", "ruby"),
    (r"(lib\S+)t64", r"\1"),  # the name before the change of Debian 13, which packages still provide
)
#: Names of libraries that hold a number, which releases of some years share.
_SHARED = frozenset(
    "libpq5 libmagic1 libgl1 libegl1 libglib2.0-0 libxml2 libxslt1.1 libcairo2 libpango-1.0-0 libpangoft2-1.0-0"
    " libpangocairo-1.0-0 libharfbuzz0b libharfbuzz-subset0 libsasl2-2 libgdk-pixbuf-2.0-0 libfreetype6 libfontconfig1"
    " liblcms2-2 libsqlite3-0 libmariadb3 libzbar0 libsm6 libice6 libxext6 libxrender1 libx11-6 libxcb1 libssl3"
    " libcurl4 liblzma5 libbz2-1.0 libuuid1 libgomp1 libxmlsec1 libxmlsec1-openssl libmemcached11 libgmp10 libexpat1"
    " liblz4-1 libzstd1 libyaml-0-2 libjpeg8 libpcre2-8-0 libltdl7 libgfortran5 libquadmath0 libsnappy1v5".split()
)
#: What stands for a package with headers, where it is installed too: it brings more of what is compiled with it.
_BETTER = {"libmariadb-dev": "default-libmysqlclient-dev", "libmysqlclient-dev": "default-libmysqlclient-dev"}


def lasting(name: str) -> Tuple[str, bool]:
    """Return a package's name as newer releases have it, and whether they are likely to."""
    for pattern, other in _RELEASED:
        if re.fullmatch(pattern, name):
            name = re.sub(pattern + r"\Z", other, name)
    versioned = re.match(r"lib(?!apache2-mod-).*\d", name) is not None and not name.endswith(("-dev", "-devel"))
    return name, name in _SHARED or not versioned


def server(kind: str, here: Installed) -> str:
    """Return the package of a kind of server that is installed, as a newer release names it; "" for none."""
    for pattern in SERVERS.get(kind, ()):
        if any(re.fullmatch(pattern, name) for name in ([pattern] if pattern in here else here.sources)):
            return re.sub(r"-(\\d\+|\[0-9\.\]\+)\Z", "", pattern)
    return ""


def headers(package: str, here: Installed) -> str:
    """Return the installed package with the headers of a library; "" when there is none.

    Of several, the one that is named alike, with fewer versions in its name: ``libjpeg-dev`` for ``libjpeg62-turbo``.
    """
    stem = _stem(package)
    found = here.developing(here.sources.get(package, package))
    alike = [name for name in found if stem.startswith(_stem(name)) or _stem(name).startswith(stem)] or found
    if not alike:
        return ""
    best = min(
        alike, key=lambda name: (sum(is_number(char) for char in name), -_common(stem, _stem(name)), len(name), name)
    )
    better = _BETTER.get(best, "")
    return better if better in here else best


def _stem(name: str) -> str:
    name = re.sub(r"(t64|-dev|-devel)\Z", "", name)
    return re.sub(r"[^a-z]", "", re.sub(r"\Alib", "", name.lower()))


def _common(one: str, other: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))


def extensions_of_server(here: Installed) -> List[str]:
    """Return the packages that extend one version of PostgreSQL: ``postgresql-15-postgis-3``."""
    return sorted(name for name in here.sources if re.match(r"postgresql-\d+-(?!jit\Z)", name))


def compilers(here: Installed, python: Sequence[str]) -> List[str]:
    """Return what pip needs to compile anything, as far as it is installed.

    :param python: names of the package with the headers of the Python that compiles
    """
    wanted = (("build-essential", "gcc"), tuple(python), ("pkg-config", "pkgconf"))
    return [name for name in (here.first(*names) for names in wanted) if name]
