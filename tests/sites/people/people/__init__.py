# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The awkward site. On MySQL it uses PyMySQL, which has to pose as mysqlclient."""

try:
    import pymysql
except ImportError:
    pass
else:
    pymysql.version_info = (2, 2, 1, "final", 0)
    pymysql.install_as_MySQLdb()
