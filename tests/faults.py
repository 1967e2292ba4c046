# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The faults that a move survives, and the tests that show each.

Each test plants the fault and looks at what it is about: the exit and a named error with the next step, the old host as
it was and its site serving, nothing half done that looks whole, a rerun that converges, no secret shown. What holds for
every fault alike (old's digest, leftovers, secrets) the tests of whole moves look at.

``tests/unit/test_faults.py`` reads the files: a test that is renamed or removed fails there.
"""

from __future__ import annotations

from dataclasses import dataclass

UNIT = "tests/unit/plugins/module_utils"
ACTION = "tests/unit/plugins/action"
ENGINES = "tests/engines"
E2E = "tests/e2e"
PLAYBOOKS = "tests/playbooks"
CUT = f"{ENGINES}/test_faults.py::test_cut_down_in_its_midst"


@dataclass(frozen=True)
class Fault:
    """One fault, and what must hold."""

    name: str
    #: What is seen afterwards.
    holds: str
    #: ``path::function``, or ``path::function[words]`` where only these parameters are meant.
    tests: tuple[str, ...]


FAULTS = (
    Fault(
        "kill -9 of the module, mid-dump",
        "no program of it works on, no half dump is listed as a set, the next dump is whole",
        (
            f"{CUT}[dump-module]",
            f"{UNIT}/test_process.py::test_a_killed_parent_leaves_no_child",
            f"{UNIT}/_set/test_retention.py::test_clear_unfinished",
            f"{UNIT}/test_secrets.py::test_the_next_run_removes_what_a_killed_one_left",
            f"{ENGINES}/test_window_kills.py::test_every_step_is_followed_by_a_kill",
        ),
    ),
    Fault(
        "kill -9 of the module, mid-restore",
        "what was live is live, the next load starts afresh, and a swap is made or not",
        (
            f"{CUT}[load-module]",
            f"{ENGINES}/test_postgresql_obstacles.py::test_a_killed_load_leaves_nobody_who_works_on",
            f"{UNIT}/_steps/test_swap.py::test_a_kill_at_every_moment",
            f"{UNIT}/_steps/test_restore_media.py::test_a_kill_while_it_is_brought",
            f"{ENGINES}/test_mysql.py::test_a_swap_that_was_killed_is_finished_or_taken_back",
            f"{UNIT}/_engines/sqlite/test_engine.py::test_a_swap_that_was_killed_between_its_two_renames",
            f"{ENGINES}/test_window_kills.py::test_every_step_is_followed_by_a_kill",
        ),
    ),
    Fault(
        "kill -9 of the module's child, mid-dump",
        "dump_failed, and no file of the dump is left",
        (
            f"{CUT}[dump-child]",
            f"{UNIT}/_engines/sqlite/test_engine.py::test_failing_zstd",
            f"{ENGINES}/test_mysql.py::test_a_part_of_a_dump_that_fails_ends_the_others",
        ),
    ),
    Fault(
        "kill -9 of the module's child, mid-restore",
        "load_failed, and no incoming database is left",
        (
            f"{CUT}[load-child]",
            f"{ENGINES}/test_mysql.py::test_a_part_of_a_load_that_fails_ends_the_others",
            f"{UNIT}/_engines/mysql/test_engine.py::test_every_program_of_a_load_has_its_say",
        ),
    ),
    Fault(
        "kill -9 of the controller, mid-dump",
        "old starts by its timer, the site belongs to nobody after a minute, and the same command goes on",
        (
            f"{ENGINES}/test_failing_steps.py::test_the_same_command_goes_on_from_a_controller_that_was_killed",
            f"{UNIT}/_steps/test_beside.py::test_killed_at_every_moment",
            f"{UNIT}/_record/test_lease.py::test_a_frozen_site_belongs_to_the_run_that_froze_it",
            f"{UNIT}/_record/test_lease.py::test_the_second_run_is_refused_at_once_and_told_who_is_first",
        ),
    ),
    Fault(
        "kill -9 of the controller, mid-restore",
        "as above; what the lost run loaded is replaced, and nothing else",
        (
            f"{ENGINES}/test_failing_steps.py::test_the_same_command_goes_on_from_a_controller_that_was_killed",
            f"{UNIT}/_steps/test_swap.py::test_a_kill_at_every_moment",
            f"{UNIT}/_record/test_lease.py::test_a_run_keeps_the_site_between_its_tasks",
        ),
    ),
    Fault(
        "network cut for 5 s, mid-transfer",
        "the transfer goes on from where it was; every sha256 is right",
        (
            f"{ENGINES}/test_transfer.py::test_a_connection_that_breaks_is_taken_up_again",
            f"{UNIT}/_transfer/test_fetch.py::test_a_lost_connection_is_taken_up_again",
        ),
    ),
    Fault(
        "network cut for 5 s, mid-restore",
        "the call goes on on its host; the move ends as if nothing had been",
        (f"{E2E}/test_failures.py::test_mariadb_is_killed_during_the_load",),
    ),
    Fault(
        "network cut for good, mid-transfer",
        "transfer_failed or transfer_unreachable, no set without its manifest, old serves again",
        (
            f"{UNIT}/_transfer/test_fetch.py::test_a_lost_connection_is_taken_up_again",
            f"{UNIT}/_transfer/test_fetch.py::test_a_set_is_no_set_until_its_manifest_came",
            f"{UNIT}/_transfer/test_fetch.py::test_no_address_answers",
            f"{E2E}/test_lost_host.py::test_new_is_lost_after_the_freeze_and_old_after_the_cutover",
        ),
    ),
    Fault(
        "network cut for good, mid-restore",
        "host_unreachable; old serves again; the task that was cut off keeps the site until it ends",
        (
            f"{E2E}/test_lost_host.py::test_new_is_lost_after_the_freeze_and_old_after_the_cutover",
            f"{ACTION}/test_on_host.py::test_a_delegated_task_fails_where_a_rescue_can_go_on",
            f"{PLAYBOOKS}/test_playbooks.py::test_an_old_host_that_is_lost_does_not_end_the_run",
        ),
    ),
    Fault(
        "disk full on old",
        "disk_full, nothing of the dump stays, the database is as it was; preflight looks at the space before",
        (
            f"{ENGINES}/test_faults.py::test_no_room_for_a_dump",
            f"{UNIT}/_media/test_inventory.py::test_a_full_disk_is_named",
            f"{UNIT}/test_module.py::test_what_the_host_refuses_has_a_name",
            f"{UNIT}/_steps/test_preflight.py::test_everything_at_once",
            f"{UNIT}/_steps/test_backup.py::test_what_fails_after_the_manifest_takes_no_set_away",
        ),
    ),
    Fault(
        "disk full on new's data directory",
        "a named error, the incoming database is dropped, the server serves on, the next load works",
        (
            f"{ENGINES}/test_faults.py::test_no_room_in_the_data_directory_of_postgresql",
            f"{ENGINES}/test_faults.py::test_no_room_in_the_data_directory_of_mariadb",
            f"{ENGINES}/test_faults.py::test_no_room_for_a_file_database",
            f"{UNIT}/_steps/test_needs.py::test_space_on_new",
        ),
    ),
    Fault(
        "disk full on MEDIA",
        "disk_full, no half file under its name, the next pass goes on from there",
        (
            f"{ENGINES}/test_faults.py::test_no_room_for_media",
            f"{UNIT}/_transfer/test_fetch.py::test_failures_are_named",
        ),
    ),
    Fault(
        "disk full on the controller",
        "old is put back, what became of each site is said, no half report is left",
        (f"{PLAYBOOKS}/test_playbooks.py::test_a_controller_without_room_for_a_report",),
    ),
    Fault(
        "database stopped, mid-dump",
        "the sessions of the dump end: dump_failed, and no file of it is left",
        (
            f"{CUT}[dump-session]",
            f"{UNIT}/_engines/postgresql/test_engine.py::test_a_lost_session_says_nothing_of_extensions_and_locales",
        ),
    ),
    Fault(
        "database stopped, mid-restore",
        "old serves again; live on new is whole; with the server back the same command moves the site",
        (
            f"{E2E}/test_failures.py::test_one_failure_after_the_other_on_postgresql",
            f"{E2E}/test_failures.py::test_mariadb_is_killed_during_the_load",
            f"{ENGINES}/test_mysql.py::test_a_server_that_dies_during_the_load",
        ),
    ),
    Fault("backend terminated, mid-dump", "dump_failed, and no file of the dump is left", (f"{CUT}[dump-session]",)),
    Fault(
        "backend terminated, mid-restore",
        "load_failed, no incoming database is left, the next load is equal",
        (f"{CUT}[load-session]", f"{ENGINES}/test_postgresql.py::test_a_load_whose_sessions_are_ended"),
    ),
    Fault(
        "live connections at the swap",
        "they are ended, or the swap is refused; never half of it",
        (
            f"{ENGINES}/test_postgresql.py::test_swap_with_live_connections",
            f"{ENGINES}/test_mysql.py::test_sessions_are_counted_and_ended",
            f"{UNIT}/_engines/sqlite/test_engine.py::test_swap_is_refused_while_in_use",
            f"{UNIT}/_steps/test_preflight_new.py::test_a_database_that_is_in_use",
        ),
    ),
    Fault(
        "writes during a backup",
        "dump and counts are one moment",
        (
            f"{ENGINES}/test_postgresql.py::test_a_writer_during_the_backup",
            f"{ENGINES}/test_mysql.py::test_counts_and_dump_are_one_moment_whoever_writes",
            f"{UNIT}/_engines/sqlite/test_engine.py::test_dump_and_state_are_one_moment",
        ),
    ),
    Fault(
        "DDL during a backup",
        "the dump holds what was counted, or it is refused",
        (f"{ENGINES}/test_faults.py::test_tables_are_changed_while_a_dump_is_made",),
    ),
    Fault(
        "wrong password",
        "login_failed, without the password; told before the freeze",
        (
            f"{ENGINES}/test_postgresql.py::test_no_secret_in_errors",
            f"{ENGINES}/test_postgresql.py::test_roles_and_passwords",
            f"{ENGINES}/test_postgresql_attacks.py::test_a_wrong_password_brings_no_administrator_into_the_trap",
            f"{ENGINES}/test_mysql.py::test_the_password_shows_nowhere",
            f"{ENGINES}/test_mysql.py::test_a_blank_database_and_its_user",
            f"{ENGINES}/test_local_conversion.py::test_a_conversion_that_fails_is_put_back_and_the_next_one_lasts",
        ),
    ),
    Fault(
        "missing role",
        "made where an administrator is there, named where none is",
        (
            f"{ENGINES}/test_postgresql.py::test_creator_without_an_administrator",
            f"{ENGINES}/test_postgresql_obstacles.py::test_a_role_that_is_assumed",
            f"{ENGINES}/test_mysql.py::test_what_an_administrator_lacks_is_told_before_a_freeze",
        ),
    ),
    Fault(
        "missing extension",
        "extension_missing with the package to install, before the freeze; incoming is dropped",
        (
            f"{ENGINES}/test_postgresql.py::test_a_load_that_fails_drops_incoming",
            f"{ENGINES}/test_postgresql.py::test_preflight_new",
            f"{E2E}/test_obstacles.py::test_five_obstacles_in_one_run",
        ),
    ),
    Fault(
        "missing client program",
        "program_missing with the package to install, unless the run installs it",
        (
            f"{UNIT}/_engines/postgresql/test_engine.py::test_choose_dump",
            f"{UNIT}/_engines/postgresql/test_engine.py::test_a_pg_dump_that_can_read_new_is_asked_for_before",
            f"{UNIT}/_engines/sqlite/test_engine.py::test_preflight_misses_zstd",
            f"{UNIT}/_steps/test_preflight_new.py::test_databases_on_new",
            f"{UNIT}/test_process.py::test_what_cannot_be_started",
        ),
    ),
    Fault(
        "revision not on the remote",
        "revision_not_found before the freeze, with the variable to set; new's directory is not made",
        (
            f"{UNIT}/_steps/test_preflight_new.py::test_a_revision_that_new_could_get_from_nowhere",
            f"{UNIT}/_project/test_vcs.py::test_refusals",
            f"{UNIT}/_project/test_vcs.py::test_bundle_serves_when_the_remote_does_not",
        ),
    ),
    Fault(
        "revision force-pushed away",
        "it is still fetched where the remote has it, and comes in the bundle where not",
        (
            f"{UNIT}/_project/test_vcs.py::test_force_pushed_revision_is_still_asked_for",
            f"{UNIT}/_project/test_vcs.py::test_bundle_serves_when_the_remote_does_not",
        ),
    ),
    Fault(
        "shallow clone on old",
        "the history that is there is taken along",
        (f"{UNIT}/_project/test_vcs.py::test_shallow_checkout_is_taken_along",),
    ),
    Fault(
        "dirty tree",
        "dirty_tree before the freeze; taken along as a patch when the user says so",
        (
            f"{E2E}/test_obstacles.py::test_five_obstacles_in_one_run",
            f"{UNIT}/_steps/test_backup.py::test_a_dirty_tree",
            f"{UNIT}/_project/test_vcs.py::test_hidden_changes_are_seen",
            f"{UNIT}/_project/test_vcs.py::test_patch_travels",
        ),
    ),
    Fault(
        "byte flipped",
        "file_differs names the file; a content that differs is seen without its sha256 too",
        (
            f"{UNIT}/_set/test_directory.py::test_each_flipped_byte",
            f"{UNIT}/_media/test_inventory.py::test_a_flipped_byte",
            f"{UNIT}/_engines/sqlite/test_engine.py::test_flipped_byte_shows_in_the_fingerprint",
            f"{ENGINES}/test_transfer.py::test_what_lies_on_old_must_be_what_was_written",
            f"{ENGINES}/test_restore_corrupted.py::test_random_changes_of_a_set_are_refused_or_harmless",
        ),
    ),
    Fault(
        "file truncated at each 10 %",
        "dump_truncated before anything is loaded; what is live stays",
        (
            f"{ENGINES}/test_postgresql.py::test_a_truncated_dump",
            f"{ENGINES}/test_mysql.py::test_a_truncated_dump_is_refused_before_anything_changes",
            f"{UNIT}/_engines/sqlite/test_engine.py::test_truncated_dump_is_refused",
            f"{UNIT}/_set/test_directory.py::test_a_dump_cut_at_each_tenth",
            f"{UNIT}/_set/test_directory.py::test_a_manifest_cut_at_each_tenth",
            f"{UNIT}/_media/test_inventory.py::test_a_truncated_archive",
            f"{UNIT}/_project/test_vcs.py::test_truncated_bundle_is_refused",
        ),
    ),
    Fault(
        "file missing",
        "file_missing names it, with the next step",
        (
            f"{UNIT}/_set/test_directory.py::test_files_that_do_not_agree",
            f"{UNIT}/_set/test_directory.py::test_without_a_manifest_it_is_no_set",
            f"{ENGINES}/test_restore_corrupted.py::test_random_changes_of_a_set_are_refused_or_harmless",
        ),
    ),
    Fault(
        "manifest edited",
        "manifest_edited, by its pin",
        (
            f"{UNIT}/_set/test_directory.py::test_an_edited_manifest",
            f"{UNIT}/_transfer/test_local.py::test_what_differs_on_the_old_side_is_no_set",
            f"{ENGINES}/test_restore_corrupted.py::test_random_changes_of_a_set_are_refused_or_harmless",
        ),
    ),
    Fault(
        "two runs at once",
        "the second is refused at once, and told who is the first",
        (
            f"{UNIT}/_record/test_lease.py::test_the_second_run_is_refused_at_once_and_told_who_is_first",
            f"{UNIT}/test_module.py::test_a_second_run_is_refused",
            f"{UNIT}/_modules/test_batch.py::test_each_step_holds_the_lease_of_its_site",
            f"{E2E}/test_lost_host.py::test_new_is_lost_after_the_freeze_and_old_after_the_cutover",
        ),
    ),
    Fault(
        "run again after success",
        "changed=0 on every host",
        (
            f"{E2E}/test_move.py::test_whole_move",
            f"{ENGINES}/test_local_moves.py::test_three_pairs_in_one_run_land_each_on_its_own_host",
            f"{E2E}/test_restore.py::test_a_site_out_of_its_nightly_sets",
        ),
    ),
    Fault(
        "clock one hour back",
        "the newest set is still the newest, and no site stays locked",
        (
            f"{UNIT}/_record/test_lease.py::test_a_clock_that_is_set_back_does_not_matter",
            f"{UNIT}/_steps/test_backup.py::test_sets_are_numbered_whatever_the_clock_says",
            f"{UNIT}/_record/test_kept.py::test_what_is_old_or_of_before_the_last_start_is_nothing",
        ),
    ),
    Fault(
        "target not empty",
        "target_not_blank before the freeze; nothing that must be kept is ever dropped",
        (
            f"{UNIT}/_steps/test_preflight_new.py::test_databases_on_new",
            f"{UNIT}/_steps/test_swap.py::test_a_database_that_was_written_to_while_the_dump_was_loaded_is_kept",
            f"{UNIT}/_steps/test_swap.py::test_what_somebody_wrote_after_a_kill_is_kept",
            f"{E2E}/test_undo.py::test_undo_and_move_again",
            f"{E2E}/test_restore.py::test_a_site_out_of_its_nightly_sets",
        ),
    ),
    Fault(
        "unapplied migrations on old",
        "unapplied_migrations before the freeze, unless they are to be applied on new",
        (
            f"{UNIT}/_steps/test_preflight.py::test_everything_at_once",
            f"{UNIT}/_steps/test_preflight.py::test_what_is_allowed_is_no_obstacle",
            f"{UNIT}/_steps/test_backup.py::test_what_is_beside_the_databases_is_looked_at_too",
            f"{UNIT}/_project/test_probe.py::test_migrate_and_count",
        ),
    ),
    Fault(
        "migration that raises",
        "migration_failed names it; old serves again; the next revision is moved (PostgreSQL, MariaDB, SQLite)",
        (
            f"{E2E}/test_sites.py::test_the_first_fails_and_the_second_moves",
            f"{E2E}/test_failures.py::test_one_failure_after_the_other_on_mariadb",
            f"{UNIT}/_project/test_probe.py::test_migration_that_raises_is_named",
        ),
    ),
    Fault(
        "a row deleted after the restore",
        "not_proven names the table, no cutover; on old: freeze_lost",
        (
            f"{E2E}/test_failures.py::test_one_failure_after_the_other_on_postgresql",
            f"{E2E}/test_failures.py::test_one_failure_after_the_other_on_mariadb",
        ),
    ),
    Fault(
        "service that won't start",
        "unit_failed or site_silent; what was started is stopped, old is serving again",
        (
            f"{UNIT}/_services/test_units.py::test_a_start_that_fails_is_taken_back",
            f"{UNIT}/_services/test_bring.py::test_a_site_that_answers_wrongly_is_stopped_again",
            f"{PLAYBOOKS}/test_playbooks.py::test_put_back",
            f"{E2E}/test_failures.py::test_one_failure_after_the_other_on_postgresql",
        ),
    ),
    Fault(
        "old host gone",
        "the set alone brings the site back",
        (
            f"{E2E}/test_restore.py::test_a_site_out_of_its_nightly_sets",
            f"{ENGINES}/test_local_conversion.py::test_a_site_is_restored_from_its_set_and_left_alone_afterwards",
        ),
    ),
    Fault(
        "become refused",
        "the run ends before anything is changed, and says who may not become whom",
        (
            f"{PLAYBOOKS}/test_playbooks.py::test_nobody_becomes_root",
            f"{UNIT}/test_users.py::test_acting_as",
            f"{UNIT}/test_module.py::test_what_the_host_refuses_has_a_name",
        ),
    ),
)
