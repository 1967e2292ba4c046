# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What installers print on Debian where something is lacking: pip 18 to 23, uv and npm, shortened to what tells."""

from __future__ import annotations

import pytest

from ansible_collections.relocate.django.plugins.module_utils._project import build_failures, native

pytestmark = pytest.mark.slow

TAIL = """      [end of output]

  note: This error originates from a subprocess, and is likely not a problem with pip.
"""
METADATA = (
    TAIL
    + """error: subprocess-exited-with-error

\u00d7 Getting requirements to build wheel did not run successfully.
\u2502 exit code: 1
\u2570\u2500> See above for output.

note: This error originates from a subprocess, and is likely not a problem with pip.
"""
)
PSYCOPG2 = (
    """Collecting psycopg2==2.9.9
  Getting requirements to build wheel: finished with status 'error'
      running egg_info
      writing psycopg2.egg-info/PKG-INFO

      Error: pg_config executable not found.

      pg_config is required to build psycopg2 from source.  Please add the directory
      containing pg_config to the $PATH or specify the full executable path with the
      option:
"""
    + METADATA
)
OLD_PSYCOPG2 = """Collecting psycopg2==2.6.1 (from -r requirements.txt (line 3))
    Complete output from command python setup.py egg_info:
    Error: pg_config executable not found.

    ----------------------------------------
Command "python setup.py egg_info" failed with error code 1 in /tmp/pip-build-p1b60n08/psycopg2/
"""
LIBPQ = """      gcc -Wsign-compare -I/usr/include/postgresql -c psycopg/adapter_asis.c -o build/temp/adapter_asis.o
      In file included from psycopg/adapter_asis.c:28:
      ./psycopg/psycopg.h:36:10: fatal error: libpq-fe.h: No such file or directory
         36 | #include <libpq-fe.h>
      compilation terminated.
  ERROR: Failed building wheel for psycopg2
Failed to build psycopg2
"""
MYSQL_22 = (
    """Collecting mysqlclient==2.2.4
      /bin/sh: 1: pkg-config: not found
      /bin/sh: 1: pkg-config: not found
      Trying pkg-config --exists mysqlclient
      Command 'pkg-config --exists mysqlclient' returned non-zero exit status 127.
      Exception: Can not find valid pkg-config name.
      Specify MYSQLCLIENT_CFLAGS and MYSQLCLIENT_LDFLAGS env vars manually
"""
    + METADATA
)
MYSQL_21 = (
    """Collecting mysqlclient==2.1.1
      /bin/sh: 1: mysql_config: not found
      /bin/sh: 1: mariadb_config: not found
      /bin/sh: 1: mysql_config: not found
      OSError: mysql_config not found
"""
    + METADATA
)
PYTHON_H = """    x86_64-linux-gnu-gcc -pthread -I/usr/include/python3.8 -c Modules/LDAPObject.c -o build/LDAPObject.o
    Modules/common.h:9:10: fatal error: Python.h: No such file or directory
    compilation terminated.
    error: command 'x86_64-linux-gnu-gcc' failed with exit status 1
    ----------------------------------------
    ERROR: Failed building wheel for python-ldap
"""
LDAP = """      Modules/common.h:15:10: fatal error: lber.h: No such file or directory
      compilation terminated.
      error: command '/usr/bin/gcc' failed with exit code 1
  ERROR: Failed building wheel for python-ldap
ERROR: Could not build wheels for python-ldap, which is required to install pyproject.toml-based projects
"""
GCC = """      error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory
  ERROR: Failed building wheel for uWSGI
"""
OLD_GCC = """    unable to execute 'x86_64-linux-gnu-gcc': No such file or directory
    error: command 'x86_64-linux-gnu-gcc' failed with exit status 1
  Failed building wheel for psutil
"""
GXX = """      error: [Errno 2] No such file or directory: 'g++'
  ERROR: Failed building wheel for greenlet
ERROR: Could not build wheels for greenlet, which is required to install pyproject.toml-based projects
"""
LXML = (
    """Collecting lxml==4.9.3
      Building lxml version 4.9.3.
      Building without Cython.
      Error: Please make sure the libxml2 and libxslt development packages are installed.
"""
    + METADATA
)
OLD_LXML = """    Building lxml version 4.5.0.
    ERROR: b'/bin/sh: 1: xslt-config: not found\\n'
    ** make sure the development packages of libxml2 and libxslt are installed **
"""
PILLOW = """Collecting Pillow==9.5.0
      The headers or library files could not be found for jpeg,
      a required dependency when compiling Pillow from source.
  ERROR: Failed building wheel for Pillow
"""
CARGO = """Collecting bcrypt==4.0.1
      Cargo, the Rust package manager, is not installed or is not on PATH.
      This package requires Rust and Cargo to compile extensions. Install it through
      the system's package manager or via https://rustup.rs/

      Checking for Rust toolchain....
error: metadata-generation-failed
"""
ORJSON = """Collecting orjson==3.10.0
      Rust not found, installing into a temporary directory
      httpx.ConnectError: [Errno -2] Name or service not known
error: metadata-generation-failed
"""
SETUPTOOLS_RUST = """  error: can't find Rust compiler

  If you are using an outdated pip version, it is possible a prebuilt wheel is available for this package
  Failed building wheel for cryptography
"""
CURL = (
    """Collecting pycurl==7.45.2
      ConfigurationError: Could not run curl-config: [Errno 2] No such file or directory: 'curl-config'
"""
    + METADATA
)
XMLSEC = "      error: Unable to invoke pkg-config.\n  ERROR: Failed building wheel for xmlsec\n"
CAIRO = """      'pkg-config' not found.
      Command ['pkg-config', '--print-errors', '--exists', 'cairo >= 1.15.10']
  ERROR: Failed building wheel for pycairo
"""
MEMCACHED = """      src/_pylibmcmodule.h:42:10: fatal error: libmemcached/memcached.h: No such file or directory
      error: Command '['gcc', '-Wsign-compare', '-DUSE_ZLIB']' returned non-zero exit status 1.
  ERROR: Failed building wheel for pylibmc
"""
GIT = "  ERROR: Error [Errno 2] No such file or directory: 'git' while executing command git version\n"
GIT_TOO = GIT + "ERROR: Cannot find command 'git' - do you have 'git' installed and in your PATH?\n"
UNKNOWN = """      src/oddmodule.c:3:10: fatal error: odd/odd.h: No such file or directory
  ERROR: Failed building wheel for odd
"""
UV = """  \u00d7 Failed to build `psycopg2==2.9.9`
  \u251c\u2500\u25b6 The build backend returned an error
      Error: pg_config executable not found.
"""
MSGFMT = "CommandError: Can't find msgfmt. Make sure you have GNU gettext tools 0.15 or newer installed.\n"


@pytest.mark.parametrize(
    ("text", "things", "packages"),
    [
        (PSYCOPG2, ["postgresql"], ["psycopg2"]),
        (OLD_PSYCOPG2, ["postgresql"], ["psycopg2"]),
        (LIBPQ, ["postgresql"], ["psycopg2"]),
        (UV, ["postgresql"], []),
        (MYSQL_22, ["pkg-config", "mysql"], ["mysqlclient"]),
        (MYSQL_21, ["mysql"], ["mysqlclient"]),
        (PYTHON_H, ["python"], ["python-ldap"]),
        (LDAP, ["ldap"], ["python-ldap"]),
        (GCC, ["compiler"], ["uwsgi"]),
        (OLD_GCC, ["compiler"], []),
        (GXX, ["compiler"], ["greenlet"]),
        (LXML, ["xml"], ["lxml"]),
        (OLD_LXML, ["xml"], []),
        (PILLOW, ["jpeg"], ["pillow"]),
        (CARGO, ["rust"], ["bcrypt"]),
        (ORJSON, ["rust"], ["orjson"]),
        (SETUPTOOLS_RUST, ["rust"], []),
        (CURL, ["curl"], ["pycurl"]),
        (XMLSEC, ["pkg-config"], ["xmlsec"]),
        (CAIRO, ["pkg-config"], ["pycairo"]),
        (MEMCACHED, ["memcached"], ["pylibmc"]),
        (GIT, ["git"], []),
        (GIT_TOO, ["git"], []),
        (MSGFMT, ["gettext"], []),
    ],
)
def test_what_was_lacking(text: str, things: list[str], packages: list[str]) -> None:
    found = build_failures.explain(text)
    assert found
    assert (list(found.things), list(found.others), list(found.packages)) == (things, [], packages)
    assert native.packages(things) and native.words(things)


def test_a_header_that_is_not_known_is_named() -> None:
    found = build_failures.explain(UNKNOWN)
    assert found == build_failures.Explained((), ("odd/odd.h",), ("odd",))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ERROR: No matching distribution found for shop-internal==1.2\n",
        "ERROR: Cannot install a==1 and b==2 because these package versions have conflicting dependencies.\n",
        "sh: 1: lsb_release: not found\nTypeError: bad\n",  # looked for, and not needed
        "FileNotFoundError: [Errno 2] No such file or directory: 'requirements.txt'\n",
        "FileNotFoundError: [Errno 2] No such file or directory: '/srv/shop/VERSION'\n",
        "psycopg/utils.c:1:2: error: implicit declaration of function\nerror: command 'gcc' failed with exit code 1\n",
    ],
)
def test_what_is_something_else(text: str) -> None:
    assert not build_failures.explain(text)


def test_the_lines_that_tell() -> None:
    text = "  copying a\n" * 200 + "      Error: the moon is full\n" + "  copying b\n" * 3 + METADATA
    assert build_failures.telling(text) == "Error: the moon is full"
    assert build_failures.telling("one\n" * 3 + "two\n\n") == "one\ntwo"
    assert build_failures.telling("") == ""
    assert len(build_failures.telling("\n".join(f"error {n}" for n in range(90))).splitlines()) == 6


def test_hostile_output_takes_no_time() -> None:
    for text in (
        "error: " * 200_000,
        "Could not build wheels for " + "a, " * 200_000,
        "sh: " * 200_000,
        "a" * 1_000_000,
    ):
        build_failures.explain(text)
        build_failures.telling(text)
