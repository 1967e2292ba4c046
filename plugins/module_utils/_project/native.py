# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Knows what Python packages are compiled with: programs and headers, and the Debian packages that bring them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Dict, Iterable, List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._process import find_program


@dataclass(frozen=True)
class Thing:
    """Something that a build needs.

    :param words: it, for people
    :param packages: of Debian, that bring it
    :param signs: programs and headers; where one of them is there, it is there
    :param said: regular expression of what a build says without it, besides that a sign is not found
    """

    words: str
    packages: Tuple[str, ...]
    signs: Tuple[str, ...]
    said: str = ""


PYTHON = "python"
COMPILER = "compiler"
_PKG_CONFIG = "pkg-config"

THINGS: Dict[str, Thing] = {
    COMPILER: Thing(
        "a compiler (gcc)",
        ("build-essential",),
        tuple("gcc cc clang g++ c++ x86_64-linux-gnu-gcc x86_64-linux-gnu-g++ aarch64-linux-gnu-gcc".split()),
        r"C compiler cannot create executables|[Nn]o acceptable C compiler found|Unknown compiler\(s\)"
        r"|linker `cc` not found|No CMAKE_C(XX)?_COMPILER could be found",
    ),
    PYTHON: Thing("Python.h, of Python", ("python3-dev",), ("Python.h", "pyconfig.h")),
    _PKG_CONFIG: Thing(
        "pkg-config",
        ("pkg-config",),
        ("pkg-config", "pkgconf"),
        r"Unable to invoke pkg-config|[Dd]id not find pkg-config|pkg-config(: | is |\W+)(not found|required)",
    ),
    "postgresql": Thing(
        "pg_config and libpq-fe.h, of PostgreSQL's client library",
        ("libpq-dev",),
        ("pg_config", "libpq-fe.h"),
        r"pg_config (executable not found|is required)|cannot find -lpq\b",
    ),
    "mysql": Thing(
        "the client library of MySQL or MariaDB with its headers",
        ("default-libmysqlclient-dev",),
        ("mysql_config", "mariadb_config", "mysql/mysql.h", "mariadb/mysql.h", "mysql.h"),
        r"mysql_config not found|Can not find valid pkg-config name|cannot find -l(mysqlclient|mariadb)",
    ),
    "jpeg": Thing("jpeglib.h, of libjpeg", ("libjpeg-dev",), ("jpeglib.h",), r"could not be found for jpeg\b"),
    "zlib": Thing("zlib.h", ("zlib1g-dev",), ("zlib.h",), r"could not be found for zlib\b"),
    "xml": Thing(
        "libxml2 and libxslt with their headers",
        ("libxml2-dev", "libxslt1-dev"),
        ("xslt-config", "libxml2/libxml/xmlversion.h", "libxml/xmlversion.h", "libxml/xpath.h", "libxslt/xslt.h"),
        r"libxml2 and libxslt (development packages|are installed)|packages of libxml2 and libxslt",
    ),
    "xmlsec": Thing(
        "libxmlsec1 with its headers", ("libxmlsec1-dev",), ("xmlsec1-config",), r"\bxmlsec1 is not installed"
    ),
    "ffi": Thing("ffi.h, of libffi", ("libffi-dev",), ("ffi.h",)),
    "openssl": Thing(
        "the headers of OpenSSL",
        ("libssl-dev",),
        ("openssl/ssl.h", "openssl/opensslv.h", "openssl/crypto.h"),
        r"Could not find directory of OpenSSL installation",
    ),
    "rust": Thing(
        "Rust's compiler and cargo",
        ("cargo",),
        ("cargo", "rustc"),
        r"Cargo, the Rust package manager, is not installed|[Cc]an(not|'t| not) find Rust compiler|[Rr]ust not found",
    ),
    "ldap": Thing(
        "the headers of OpenLDAP and SASL",
        ("libldap-dev", "libsasl2-dev"),
        ("lber.h", "ldap.h", "sasl/sasl.h", "sasl.h"),
        r"cannot find -l(ldap|ldap_r|lber|sasl2)\b",
    ),
    "curl": Thing("curl-config, of libcurl", ("libcurl4-openssl-dev",), ("curl-config",)),
    "memcached": Thing("the headers of libmemcached", ("libmemcached-dev",), ("libmemcached/memcached.h",)),
    "cairo": Thing("the headers of cairo", ("libcairo2-dev",), ("cairo/cairo.h", "cairo.h"), r'"cairo" not found'),
    "gobject": Thing(
        "the headers of GObject introspection",
        ("libgirepository1.0-dev",),
        ("gobject-introspection-1.0/girepository.h",),
        r'"gobject-introspection-1\.0" not found|"girepository-2\.0" not found',
    ),
    "odbc": Thing("sql.h, of unixODBC", ("unixodbc-dev",), ("sql.h",)),
    "freetds": Thing("the headers of FreeTDS", ("freetds-dev",), ("sybdb.h", "sqlfront.h")),
    "gdal": Thing("gdal-config, of GDAL", ("libgdal-dev",), ("gdal-config",), r"GDAL API version must be specified"),
    "geos": Thing("geos-config, of GEOS", ("libgeos-dev",), ("geos-config", "geos_c.h")),
    "proj": Thing(
        "PROJ with its headers", ("proj-bin", "libproj-dev"), ("proj", "proj.h"), r"proj executable not found"
    ),
    "kerberos": Thing(
        "krb5-config, of Kerberos",
        ("libkrb5-dev",),
        ("krb5-config", "gssapi/gssapi.h", "gssapi.h"),
        r"krb5-config not found",
    ),
    "kafka": Thing("the headers of librdkafka", ("librdkafka-dev",), ("librdkafka/rdkafka.h",)),
    "cups": Thing("the headers of CUPS", ("libcups2-dev",), ("cups/http.h", "cups/cups.h")),
    "systemd": Thing(
        "the headers of systemd",
        ("libsystemd-dev",),
        ("systemd/sd-daemon.h", "systemd/sd-messages.h", "systemd/sd-journal.h"),
        r"Package '?libsystemd'?[, ].*not found|Cannot find libsystemd",
    ),
    "dbus": Thing("the headers of D-Bus", ("libdbus-1-dev", "libglib2.0-dev"), ("dbus-1.0/dbus/dbus.h", "dbus/dbus.h")),
    "snappy": Thing("the headers of snappy", ("libsnappy-dev",), ("snappy-c.h",)),
    "graphviz": Thing("the headers of Graphviz", ("libgraphviz-dev",), ("graphviz/cgraph.h",)),
    "portaudio": Thing("portaudio.h", ("portaudio19-dev",), ("portaudio.h",)),
    "hdf5": Thing(
        "the headers of HDF5", ("libhdf5-dev",), ("hdf5.h", "hdf5/serial/hdf5.h"), r"Unable to (find|load).*hdf5"
    ),
    "gmp": Thing("gmp.h", ("libgmp-dev",), ("gmp.h",)),
    "sqlite": Thing("sqlite3.h", ("libsqlite3-dev",), ("sqlite3.h",)),
    "bz2": Thing("bzlib.h", ("libbz2-dev",), ("bzlib.h",)),
    "lzma": Thing("lzma.h", ("liblzma-dev",), ("lzma.h",)),
    "freetype": Thing("the headers of FreeType", ("libfreetype-dev",), ("ft2build.h", "freetype2/ft2build.h")),
    "magic": Thing("magic.h", ("libmagic-dev",), ("magic.h",)),
    "apache": Thing(
        "apxs, of Apache", ("apache2-dev",), ("apxs", "apxs2"), r"'?apxs2?'? command appears not to be installed"
    ),
    "swig": Thing("swig", ("swig",), ("swig",)),
    "cmake": Thing("cmake", ("cmake",), ("cmake",), r"CMake must be installed"),
    "fortran": Thing("a compiler of Fortran", ("gfortran",), ("gfortran",)),
    "git": Thing("git", ("git",), ("git",), r"Cannot find command 'git'"),
    "gettext": Thing("msgfmt, of gettext", ("gettext",), ("msgfmt",), r"Can't find msgfmt"),
    "npm": Thing("npm", ("npm",), ("npm", "npx")),
    "node": Thing("node", ("nodejs",), ("node", "nodejs")),
}

_C = (COMPILER, PYTHON)
#: Packages by their canonical names -> what they are built with from source.
_NEEDED: Dict[str, Tuple[str, ...]] = {
    "psycopg2": (*_C, "postgresql"),
    "psycopg-c": (*_C, "postgresql"),
    "mysqlclient": (*_C, "mysql", _PKG_CONFIG),
    "pillow": (*_C, "jpeg", "zlib"),
    "pillow-simd": (*_C, "jpeg", "zlib"),
    "lxml": (*_C, "xml"),
    "xmlsec": (*_C, "xml", "xmlsec", _PKG_CONFIG),
    "python-ldap": (*_C, "ldap"),
    "pycurl": (*_C, "curl", "openssl"),
    "pylibmc": (*_C, "memcached"),
    "pycairo": (*_C, "cairo", _PKG_CONFIG),
    "pygobject": (*_C, "gobject", "cairo", _PKG_CONFIG),
    "cffi": (*_C, "ffi"),
    "pyodbc": (*_C, "odbc"),
    "pymssql": (*_C, "freetds"),
    "gdal": (*_C, "gdal"),
    "fiona": (*_C, "gdal"),
    "rasterio": (*_C, "gdal"),
    "shapely": (*_C, "geos"),
    "pyproj": (*_C, "proj"),
    "gssapi": (*_C, "kerberos"),
    "kerberos": (*_C, "kerberos"),
    "pykerberos": (*_C, "kerberos"),
    "confluent-kafka": (*_C, "kafka"),
    "pycups": (*_C, "cups"),
    "systemd-python": (*_C, "systemd", _PKG_CONFIG),
    "dbus-python": (*_C, "dbus", _PKG_CONFIG),
    "python-snappy": (*_C, "snappy"),
    "pygraphviz": (*_C, "graphviz"),
    "pyaudio": (*_C, "portaudio"),
    "h5py": (*_C, "hdf5"),
    "m2crypto": (*_C, "openssl", "swig"),
    "mod-wsgi": (*_C, "apache"),
    "scipy": (*_C, "fortran"),
    "uwsgi": _C,
    **dict.fromkeys("orjson pydantic-core rpds-py nh3 jiter tiktoken tokenizers watchfiles".split(), (*_C, "rust")),
}
#: Those that do without their compiled part when it cannot be built.
_OPTIONAL = frozenset(
    "markupsafe pyyaml simplejson wrapt charset-normalizer coverage sqlalchemy msgpack tornado protobuf"
    " zope-interface websockets aiohttp frozenlist multidict yarl ujson mypy coverage kiwisolver".split()
)


def needed(package: str, compiled: bool) -> Tuple[str, ...]:
    """Return what a package is built from source with, as keys of THINGS.

    :param package: its canonical name
    :param compiled: whether it has a compiled part on old
    """
    if package in _NEEDED:
        return _NEEDED[package]
    return _C if compiled and package not in _OPTIONAL else ()


def lacking(things: Iterable[str], python_header: bool) -> List[str]:
    """Return which of these things this host does not have.

    :param python_header: whether the Python that builds has its headers
    """
    return [name for name in dict.fromkeys(things) if not (python_header if name == PYTHON else _is_here(THINGS[name]))]


def _is_here(thing: Thing) -> bool:
    return any(_has_header(sign) if sign.endswith(".h") else find_program(sign) is not None for sign in thing.signs)


def _has_header(name: str) -> bool:
    """Tell whether a header is where compilers look, or below a directory that each program names to them."""
    tops = ["/usr/include", "/usr/local/include", "/usr/include/{0}-linux-gnu".format(os.uname().machine)]
    more = [os.path.join(top, extra) for top in tops for extra in ("", "postgresql", "libxml2")]
    return any(os.path.isfile(os.path.join(top, name)) for top in more)


def named_by(program_or_header: str) -> str:
    """Return the thing that a program or header is a sign of; "" for one that is not known."""
    base = os.path.basename(program_or_header)
    for name, thing in THINGS.items():
        if any(sign in (program_or_header, base) or program_or_header.endswith("/" + sign) for sign in thing.signs):
            return name
    return ""


def packages(things: Iterable[str], python: str = "") -> List[str]:
    """Return the packages of Debian that bring these things, once.

    :param python: the series of the Python that builds, where it is another than the system's own, such as 3.12
    """
    found = [package for name in things for package in THINGS[name].packages]
    own = {"python3-dev": "python{0}-dev".format(python)} if python else {}
    return list(dict.fromkeys(own.get(package, package) for package in found))


def words(things: Sequence[str]) -> str:
    """Return these things for people."""
    return "; ".join(THINGS[name].words for name in things)
