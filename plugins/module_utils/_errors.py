# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one error of the collection, and the catalogue of its codes.

Every refusal is a :class:`RelocateError`: a stable code, what was refused, and the next step. The text is made of
constants, names and scrubbed program output, never of settings values, because ansible-core 2.19 and later print a
failing task's message even under ``no_log``.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from ansible_collections.relocate.django.plugins.module_utils._printable import printable, printable_lines

#: The next step wherever only root can go on.
AS_ROOT = "let the connection's user become root there (sudo), and do not set relocate_become to false"

#: Every code, with its meaning in one line. ``docs/errors.md`` is checked against this table by a unit test.
CODES: Dict[str, str] = {
    # the project
    "project_not_found": "the project directory holds no manage.py",
    "interpreter_not_found": "no Python interpreter of the project was found",
    "interpreter_unusable": "the project's interpreter cannot run the project",
    "settings_failed": "the project's settings do not import",
    "settings_unknown": "the settings module is not known",
    "runs_as_root": "project code would run as root",
    "owner_missing": "the project's owner is not a user of this host",
    "owner_refused": "the project's owner, as the old host or the set says, is not acceptable on new",
    "unknown_alias": "the alias is not in DATABASES",
    "unsupported_engine": "the database backend is not supported",
    "probe_failed": "the project's interpreter gave no usable answer",
    # code
    "not_a_checkout": "the project directory is not a git checkout",
    "dirty_tree": "the checkout holds uncommitted changes",
    "revision_not_found": "the revision is neither on the remote nor in the backup set",
    "revision_refused": "the revision or remote is not acceptable",
    "checkout_failed": "git could not check out the revision",
    "checkout_occupied": "the directory on new holds something that is not this project",
    "files_untracked": "git does not hold files that the site may need",
    "files_unnamed": "files belong to the site, and nothing carries them",
    "packages_unlisted": "packages are installed on old that no file of the project names",
    "environment_failed": "the project's packages could not be installed",
    "build_tools_missing": "new lacks what packages are built from source with",
    "python_unavailable": "the Python that is to be installed cannot be had",
    "python_too_old": "the interpreter is too old for the project's packages",
    # databases
    "program_missing": "a client program is missing",
    "library_missing": "a Python library that the modules need is missing",
    "client_too_old": "the client program is older than the server",
    "server_too_old": "the target server is older than the dump needs",
    "login_failed": "the server refused the login",
    "server_unreachable": "the database server does not answer",
    "pooler_between": "a pooler stands before the database server, and lends sessions to others",
    "right_missing": "the user lacks a right that the step needs",
    "database_missing": "the database does not exist",
    "target_not_blank": "the target database holds tables",
    "previous_exists": "a previous database is kept, and what is live holds data too",
    "media_not_blank": "MEDIA_ROOT on new holds files that the set did not bring",
    "extension_missing": "an extension is not available on the new server",
    "collation_missing": "a character set or collation is not known to the new server",
    "unsupported_object": "the database holds something that a dump cannot carry",
    "locks_lacking": "the server has no room for the locks that a dump takes",
    "setting_differs": "a setting of the new server does not fit the data",
    "lock_timeout": "writes could not be paused, or a table changed, for the snapshot",
    "locale_missing": "a locale is not available on the new server",
    "sessions_remain": "other sessions use the database",
    "database_broken": "the database fails its own integrity check",
    "orphan_rows": "rows refer to rows that are missing",
    "cannot_catch_up": "what changed since the first copy cannot be carried alone",
    "replication_refused": "the old server does not allow replication",
    "dump_failed": "the dump failed",
    "dump_refused": "a dump holds a statement that is not what it is said to be",
    "dump_unknown": "a file is no dump of a known kind",
    "dump_encoding": "the characters or line ends of a dump cannot be read back with certainty",
    "dump_of_another": "a dump is of another engine than the settings'",
    "superuser_refused": "somebody else's dump would be loaded with the rights of a superuser",
    "load_failed": "the load failed",
    "swap_failed": "the swap could not be made",
    "no_previous": "there is no previous database to go back to",
    "no_upgrade": "there is no record of an upgrade on this host",
    "rows_lost": "migrations have taken rows away",
    "data_unsaved": "no backup set that was found equal holds the data that would be lost",
    "reset_failed": "a database could not be emptied",
    "rows_written": "databases were written since the upgrade",
    "database_differs": "the new revision's settings name another database",
    "query_failed": "the database refused a query",
    # backup sets
    "set_not_found": "there is no such backup set",
    "set_encrypted": "the backup set or fixture is encrypted, and no identity was given that opens it",
    "identity_wrong": "the identity does not open the encrypted backup set or fixture",
    "identity_unusable": "the identity cannot be read, or is kept where others can read it",
    "encryption_failed": "age failed to encrypt or decrypt a file of the backup set, or a fixture",
    "set_incomplete": "the directory has no manifest: not a backup set",
    "backup_too_old": "the newest set that was found equal is too old, or there is none",
    "manifest_invalid": "the manifest cannot be read",
    "manifest_edited": "the manifest is not the one that was written",
    "format_unknown": "the backup set has a newer format",
    "file_missing": "a file of the backup set is missing",
    "directory_missing": "a directory that the settings write into is not there",
    "file_unlisted": "the backup set holds a file that its manifest does not list",
    "file_differs": "a file of the backup set differs from its manifest",
    "dump_truncated": "the dump is truncated",
    "path_refused": "a path is not acceptable",
    "data_differs": "the loaded data differs from the backup set",
    "files_outside": "models keep files outside MEDIA_ROOT, which a move does not carry",
    "media_owners": "MEDIA_ROOT belongs to users or groups that the new host lacks",
    "media_skipped": "MEDIA_ROOT holds something that cannot be moved",
    "media_elsewhere": "old and new keep MEDIA in different places",
    "media_not_copied": "MEDIA could not be copied from or to object storage",
    # fixtures
    "fixture_truncated": "the fixture ends too early",
    "fixture_changed": "the fixture is not the one that was written",
    "fixture_invalid": "the fixture holds something that cannot be loaded",
    "fixture_partial": "the fixture holds a part of the models only",
    "fixture_too_large": "more objects are chosen or referred to than a fixture may hold",
    "fixture_failed": "the project's interpreter failed at the fixture",
    "unknown_model": "a model is not known to the project",
    "unknown_field": "a field is not known to its model",
    "unknown_migration": "the code lacks migrations that are applied to the data",
    "unsupported_model": "a fixture's format cannot hold the model",
    "table_missing": "a model's table is not there",
    "reference_missing": "a foreign key points nowhere",
    "value_unreadable": "a value is not what its field says",
    "value_unwritable": "a value does not fit the fixture's format",
    "not_convertible": "another engine does not take what the database holds",
    "conversion_unfinished": "an earlier conversion was cut short",
    # hosts
    "same_host": "the new host is the old one",
    "disk_full": "there is not enough disk space",
    "locked": "another run is at work",
    "enough_failed": "enough sites of this run failed, so that no more are begun",
    "work_directory": "the work directory cannot be used",
    "program_failed": "a program failed",
    "timed_out": "a program ran out of time",
    # transfer
    "transfer_refused": "the old host did not accept the one-time key",
    "transfer_unreachable": "the new host cannot reach the old host",
    "transfer_failed": "the transfer failed",
    # repositories
    "repository_unreachable": "the repository's host does not answer",
    "repository_missing": "there is no repository at the address",
    "repository_password": "the repository's password or credentials are not accepted, or not kept secret",
    "repository_locked": "another program works on the repository",
    "host_key_differs": "the host of the repository is another one than its keys say",
    "repository_damaged": "the repository lacks data, or holds other data than it should",
    "repository_failed": "restic could not do its work",
    # migrations
    "unapplied_migrations": "migrations are not applied",
    "missing_migrations": "models have changes that no migration holds",
    "migration_faulty": "migrations that break on a fresh database, or lose data",
    "migration_failed": "a migration failed",
    "migration_question": "a change of a model needs an answer that only a person can give",
    "not_development": "the project is no development checkout",
    "migration_conflict": "the project has conflicting migrations",
    "sanitise_failed": "a clone could not be sanitised",
    "not_sanitised": "a clone or an anonymised fixture holds what no rule names",
    "not_a_clone": "the site on this host is no clone",
    "mail_would_be_sent": "the settings of a clone would send mail",
    # services and proof
    "unit_unknown": "a systemd unit does not exist",
    "unit_unnamed": "a unit runs the project and is not named",
    "unit_incomplete": "a unit lacks what it needs to start",
    "config_refused": "a server refuses its configuration",
    "certificate_unfit": "a certificate is missing, or does not fit its key, the names or the day",
    "check_failed": "Django's system check finds errors",
    "rehearsal_failed": "what the site needs on new does not work",
    "answer_differs": "the code on new answers otherwise than old does",
    "request_fails": "the site would fail at its first request",
    "cron_runs": "cron runs the project",
    "cron_failed": "a table of cron cannot be read or written",
    "port_taken": "another program listens where the site is to",
    "path_missing": "a file that the settings name is not there",
    "neighbour_missing": "a server that the settings name does not answer",
    "neighbour_failed": "a server that the settings name could not be asked",
    "neighbour_older": "a server on new is too old for what is carried to it",
    "neighbour_not_blank": "a server on new holds something where that of old is to go",
    "unit_shared": "a unit that is to be stopped runs other sites too",
    "site_running": "the site runs where its data is to be replaced",
    "unit_failed": "a systemd unit did not start or stop",
    "queues_not_empty": "tasks still wait in the old site's queues",
    "freeze_lost": "the old site is no longer frozen",
    "no_services": "no unit of the site is named, so nothing would stop it",
    "old_retired": "the old site was retired by an earlier move",
    "not_undoable": "the old host does not know what ran there",
    "host_unreachable": "a host cannot be reached",
    "site_silent": "the site does not answer as expected",
    "forward_impossible": "old cannot send visitors on to new",
    "forward_failed": "visitors who come to old do not get new's answers",
    "sequence_behind": "a sequence is behind its table",
    "not_proven": "something that must hold before the site may serve does not",
    # input
    "bad_option": "an option is not acceptable",
    "pairs_unclear": "nothing says which old host a new host takes its sites from",
    "answer_refused": "a host returned what it has no say in",
    "obstacles": "preflight found obstacles",
    "module_broke": "a fault of this collection, which it did not foresee",
    "sites_failed": "one site or more was not moved, or not put back",
}


class RelocateError(Exception):
    """A refusal or failure that the user can act on.

    :param code: a key of :data:`CODES`; stable, for scripts to test
    :param msg: what was refused and why, without secrets
    :param hint: the next step, an imperative sentence
    :param details: further non-secret facts, JSON-serialisable
    """

    def __init__(self, code: str, msg: str, hint: str = "", details: Optional[Mapping[str, Any]] = None) -> None:
        if code not in CODES:
            raise KeyError("unknown error code: " + code)
        super().__init__(msg)
        self.code = code
        # Names of tables, units and paths are somebody else's words.
        self.msg = printable_lines(msg)
        self.hint = printable(hint)
        self.details: Dict[str, Any] = dict(details or {})

    def __str__(self) -> str:
        """The text a user sees: ``code: message. Next: hint``."""
        text = "[{0}] {1}".format(self.code, self.msg)
        return text + (" Next: " + self.hint if self.hint else "")

    def as_result(self) -> Dict[str, Any]:
        """The keyword arguments of ``fail_json``."""
        return {"msg": str(self), "code": self.code, "hint": self.hint, "details": self.details}
