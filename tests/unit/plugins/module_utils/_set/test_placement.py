# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that git does not hold, on new: planned, placed and shown."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import Directory
from ansible_collections.relocate.django.plugins.module_utils._set import placement, unversioned
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import UnversionedFile
from ansible_collections.relocate.django.plugins.module_utils._set.placement import Placement
from ansible_collections.relocate.django.plugins.module_utils._set.relocation import STAYS, between
from tests.unit.fakes import ROOT_ONLY, me, nobody, reachable, refused
from tests.unit.plugins.module_utils._set.beside_git import CANARY, backup, shared

__all__ = ["backup", "shared"]  # fixtures


# --- plan


def captured(backup: BackupSet, *paths: str, content: bytes = b"A=1\n", **changes: object) -> list[UnversionedFile]:
    Path(backup.file("files/0000")).write_bytes(content)
    base = UnversionedFile("", "files/0000", 0o640, me().name, "root")
    return [replace(base, path=path, **changes) for path in paths]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/srv/app/.env", [".env"]),
        ("/srv/app/.env", ["./.env"]),
        ("/srv/app/.env", ["/srv/app/.env"]),
        ("/srv/app/conf/deep/x", ["conf"]),
        ("/srv/app/conf/deep/x", ["conf/"]),
        ("/srv/app/a.env", ["*.env"]),
        ("/srv/app/conf/x/y", ["c*"]),  # a directory that the pattern named, and what is in it
        ("/etc/shop.conf", ["/etc/shop.*"]),
        ("/srv/app/caf\udce9", ["caf\udce9"]),
        ("/srv/app/[x]", ["[x]"]),
    ],
)
def test_what_the_user_named_is_planned(backup: BackupSet, path: str, allowed: list[str]) -> None:
    (item,) = placement.plan(backup, captured(backup, path), allowed, {}, "/srv/app")
    assert item == Placement(path, b"A=1\n", 0o640, me().name, "root", named=item.named)
    assert (path + "/").startswith(item.named + "/")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/etc/passwd", []),
        ("/etc/passwd", [".env"]),
        ("/srv/app/.env2", [".env"]),
        ("/srv/app/conf2/x", ["conf"]),
        ("/srv/app/conf/../../../etc/cron.d/x", ["conf"]),
        ("/srv/app/conf/../../../etc/cron.d/x", ["*"]),
        ("/etc/systemd/system/x.conf", ["/etc/*.conf"]),  # a star does not cross a slash
        ("/srv/app//.env", [".env"]),
        ("srv/app/.env", [".env"]),
        ("//srv/app/.env", [".env"]),
        ("/srv/app", [".env"]),
        ("", [".env"]),
    ],
)
def test_a_manifest_cannot_plant_a_file(backup: BackupSet, path: str, allowed: list[str]) -> None:
    with refused("path_refused", "is in the set but not in relocate_files.*add it to relocate_files"):
        placement.plan(backup, captured(backup, path), allowed, {}, "/srv/app")


# Of a project in /srv/old/repo/web that comes to /opt/new/repo/web.
OLD, HERE = "/srv/old/repo/web", "/opt/new/repo/web"
MOVED = between(OLD, HERE, "web")


@pytest.mark.parametrize(
    ("path", "allowed", "expected"),
    [
        ("/srv/old/repo/web/.env", ".env", "/opt/new/repo/web/.env"),
        ("/srv/old/repo/web/conf/deep/x", "conf", "/opt/new/repo/web/conf/deep/x"),
        ("/srv/old/repo/web/a.env", "*.env", "/opt/new/repo/web/a.env"),
        ("/srv/old/repo/web/.env", "/opt/new/repo/web/.env", "/opt/new/repo/web/.env"),
        ("/srv/old/repo/web/.env", "/srv/old/repo/web/.env", "/opt/new/repo/web/.env"),
        ("/srv/old/repo/.env", "/srv/old/repo/.env", "/opt/new/repo/.env"),  # beside it, in its checkout
        ("/srv/old/repo/conf/x", "/srv/old/repo/conf/*", "/opt/new/repo/conf/x"),
        ("/srv/old/shared/x", "/srv/old/shared", "/srv/old/shared/x"),
        ("/etc/shop.conf", "/etc/shop.conf", "/etc/shop.conf"),
    ],
)
def test_another_path_on_new(backup: BackupSet, path: str, allowed: str, expected: str) -> None:
    overrides = {(path if allowed.startswith("/srv/old") else expected): {"A": "2"}}
    (item,) = placement.plan(backup, captured(backup, path), [allowed], overrides, HERE, MOVED, MOVED)
    assert (item.path, item.content) == (expected, b"A=2\n")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/srv/old/repo/web/other", ".env"),
        ("/srv/old/repo/web/../../../../etc/cron.d/x", "*"),
        ("/srv/old/repo/web/../.env", "/srv/old/repo/.env"),
        ("/srv/old/repo/web2/.env", ".env"),
        ("/srv/old/repo/.git/hooks/post-checkout", "/srv/old/repo/conf"),
        ("/srv/old/repo/web", ".env"),
        ("/opt/new/repo/.env", ".env"),
    ],
)
def test_another_path_lets_a_manifest_plant_nothing(backup: BackupSet, path: str, allowed: str) -> None:
    with refused("path_refused", "is in the set but not in relocate_files.*relative to the project"):
        placement.plan(backup, captured(backup, path), [allowed], {}, HERE, MOVED, MOVED)


@pytest.mark.parametrize(
    ("recorded", "prefix", "path"),
    [
        ("/etc", "", "/etc/shop.conf"),
        ("/etc/shop.conf", "", "/etc/shop.conf/manage.py"),
        ("/etc/x/new/repo/web", "new/repo/web", "/etc/x/cron.d/x"),
    ],
)
def test_a_set_has_no_say_in_where_absolute_paths_of_the_user_lead(
    backup: BackupSet, recorded: str, prefix: str, path: str
) -> None:
    """What it says of the old project could bring what the user named to where he never meant it."""
    lied = between(recorded, HERE, prefix)
    with refused("path_refused", "is in the set but not in relocate_files"):
        placement.plan(backup, captured(backup, path), ["/etc/shop.conf", "/etc/x"], {}, HERE, lied, STAYS)


def test_two_files_that_would_be_one(backup: BackupSet) -> None:
    entries = captured(backup, f"{OLD}/.env", f"{HERE}/.env")
    with refused("path_refused", f"two files of the set would be {HERE}/.env on this host"):
        placement.plan(backup, entries, [".env", f"{HERE}/.env"], {}, HERE, MOVED, MOVED)


def test_links_into_a_project_that_moved(backup: BackupSet) -> None:
    link, *others = captured(backup, "/etc/nginx/shop", f"{OLD}/.env", "/etc/shop/env", link=f"{OLD}/nginx.conf")
    out = replace(others[0], link="../../../../etc/shop/env")
    items = placement.plan(backup, [link, out, replace(others[1], link="")], [".env", "/etc"], {}, HERE, MOVED, MOVED)
    assert [(item.path, item.link) for item in items] == [
        ("/etc/nginx/shop", f"{HERE}/nginx.conf"),
        (f"{HERE}/.env", "../../../../etc/shop/env"),
        ("/etc/shop/env", ""),
    ]


def test_no_file_is_setuid(backup: BackupSet) -> None:
    (item,) = placement.plan(backup, captured(backup, "/srv/app/x", mode=0o6755), ["x"], {}, "/srv/app")
    assert item.mode == 0o755


@pytest.mark.parametrize("key", [".env", "/srv/app/.env", "./conf/../.env"])
def test_overrides(backup: BackupSet, key: str) -> None:
    content = b"A=1\nDATABASE_URL=old\nRAW=\xff\n"
    entries = captured(backup, "/srv/app/.env", content=content)
    (item,) = placement.plan(backup, entries, [".env"], {key: {"DATABASE_URL": CANARY, "NEW": "x"}}, "/srv/app")
    assert item.content.startswith(b"A=1\nDATABASE_URL=")
    assert item.content.endswith(b"RAW=\xff\nNEW=x\n")
    assert placement.env_files.parse(item.content.decode("utf-8", "replace"))["DATABASE_URL"] == CANARY


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/etc/systemd/system/shop.service", b"[Service]\nEnvironment=A=1\n"),
        ("/etc/systemd/system/shop.service.d/env.conf", b""),
        ("/etc/supervisor/conf.d/shop.conf", b"[program:shop]\nenvironment=A=1\n"),
        ("/etc/uwsgi/shop.ini", b"[uwsgi]\nenv = A=1\n"),
    ],
)
def test_an_override_of_what_defines_a_service(backup: BackupSet, path: str, content: bytes) -> None:
    entries = captured(backup, path, content=content)
    with refused("bad_option", f"relocate_env_overrides names {path}, which defines a service.*environment file"):
        placement.plan(backup, entries, [path], {path: {"A": CANARY}}, "/srv/app")
    (item,) = placement.plan(backup, entries, [path], {}, "/srv/app")
    assert item.content == content


def test_an_override_of_a_file_that_does_not_travel(backup: BackupSet) -> None:
    with refused(
        "bad_option", "relocate_env_overrides names files that do not travel: /srv/app/b.*add them to relocate_files"
    ):
        placement.plan(backup, captured(backup, "/srv/app/.env"), [".env"], {"b": {"A": "1"}}, "/srv/app")


def test_a_stored_name_that_leads_out(backup: BackupSet) -> None:
    with refused("path_refused", "leads out of the backup set"):
        placement.plan(backup, captured(backup, "/srv/app/x", stored="../../x"), ["x"], {}, "/srv/app")


# --- place


def item(path: Path, **changes: object) -> Placement:
    group = str(unversioned.name_of(unversioned.grp.getgrgid, me().gid))
    return replace(Placement(str(path), b"new\n", 0o640, me().name, group), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("before", ["nothing", "same", "mode", "content", "link", "directories", "leftover"])
def test_place_converges(tmp_path: Path, before: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("keep")
    path = tmp_path / ("a/b/c/.env" if before == "directories" else ".env")
    if before == "same":
        path.write_bytes(b"new\n")
        path.chmod(0o640)
    elif before == "mode":
        path.write_bytes(b"new\n")
        path.chmod(0o644)
    elif before == "content":
        path.write_bytes(b"old\n")
        path.chmod(0o640)
    elif before == "link":
        path.symlink_to(victim)
    elif before == "leftover":
        Path(f"{path}.relocate-new").symlink_to(victim)
    wanted = item(path)
    assert placement.differs(wanted) is (before != "same")
    placement.place(wanted, me())
    assert not placement.differs(wanted)
    assert (path.is_symlink(), path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (False, b"new\n", 0o640)
    assert victim.read_text() == "keep"
    assert not os.path.lexists(f"{path}.relocate-new")


@pytest.mark.parametrize("before", ["nothing", "file", "link", "same"])
def test_place_a_link(tmp_path: Path, before: str) -> None:
    path = tmp_path / "link"
    if before == "file":
        path.write_text("old")
    elif before in ("link", "same"):
        path.symlink_to("elsewhere" if before == "link" else "../target")
    wanted = item(path, link="../target", content=b"")
    assert placement.differs(wanted) is (before != "same")
    placement.place(wanted, me())
    assert os.readlink(path) == "../target"
    assert not placement.differs(wanted)


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    wanted = item(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")))
    placement.place(wanted, me())
    assert os.listdir(os.fsencode(tmp_path)) == [b"caf\xe9"]
    assert not placement.differs(wanted)


def test_a_directory_in_the_way(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert placement.differs(item(tmp_path / ".env"))
    with refused("path_refused", r"\.env is a directory on this host.*move it away"):
        placement.place(item(tmp_path / ".env"), me())
    assert os.listdir(tmp_path) == [".env"]


@ROOT_ONLY
@pytest.mark.parametrize(
    ("who", "hint"),
    [
        ({"owner": "no-such-user"}, r"make whom it lacks here \(useradd --system no-such-user\), or chown"),
        ({"owner": "no-such-one", "group": "no-such-one"}, r"here \(useradd --system no-such-one\), or chown"),
        ({"group": "no-such-group"}, r"here \(groupadd --system no-such-group\), or chown the file on old"),
        ({"owner": "4242"}, "Next: chown the file on old to whom the site runs as"),
    ],
)
def test_who_is_not_on_this_host(tmp_path: Path, who: dict[str, str], hint: str) -> None:
    wanted = item(tmp_path / ".env", **who)
    with refused("owner_missing", f"belongs to {wanted.owner}:{wanted.group}, who are not on this host.*{hint}"):
        placement.place(wanted, me())
    assert os.listdir(tmp_path) == []


@ROOT_ONLY
@pytest.mark.parametrize(
    ("owner", "group"), [("nobody", "nogroup"), ("nobody", "root"), ("root", "nogroup"), ("root", "root")]
)
def test_owners(shared: Path, owner: str, group: str) -> None:
    """The group may be one that the owner is not in, as www-data often is."""
    if group == "nogroup":
        group = str(unversioned.name_of(unversioned.grp.getgrgid, nobody().gid))
    wanted = item(shared / "sub" / ".env", owner=owner, group=group, mode=0o440)
    assert placement.differs(wanted)
    placement.place(wanted, nobody())
    assert not placement.differs(wanted)
    found = (shared / "sub/.env").stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (nobody().uid if owner == "nobody" else 0, 0o440)
    assert (shared / "sub").stat().st_uid == found.st_uid
    placement.place(replace(wanted, content=b"newer"), nobody())
    assert (shared / "sub/.env").read_bytes() == b"newer"


@ROOT_ONLY
@pytest.mark.parametrize("owner", ["nobody", "root"])
def test_nobody_can_be_made_to_write_elsewhere(shared: Path, tmp_path: Path, owner: str) -> None:
    """A link that the project's owner planted leads where he may not write: root's rights are not lent."""
    reachable(tmp_path)
    (shared / "conf").symlink_to(tmp_path)
    with pytest.raises(OSError, match="Permission denied"):
        placement.place(item(shared / "conf" / "x", owner=owner), nobody())
    with pytest.raises(OSError, match="Permission denied"):
        placement.place(item(shared / "conf" / "new" / "x", owner=owner), nobody())
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("order", [1, -1])
def test_a_set_does_not_say_where_its_own_files_lead(backup: BackupSet, order: int) -> None:
    """Root makes the link, since the user named its directory; behind it he named nothing."""
    link, other = captured(backup, "/etc/app/a", "/etc/app/a/evil")
    entries = [replace(link, link="/etc/cron.d", stored=""), other][::order]
    with refused("path_refused", "/etc/app/a/evil lies behind a link of the set"):
        placement.plan(backup, entries, ["/etc/app"], {}, "/srv/app")


@ROOT_ONLY
@pytest.mark.parametrize("allowed", ["app", "app/*", "a*/a/"])
def test_a_link_of_an_earlier_set_leads_root_nowhere(shared: Path, backup: BackupSet, allowed: str) -> None:
    shared.chmod(0o755)
    os.chown(shared, 0, 0)
    (shared / "app").mkdir()
    (shared / "cron.d").mkdir()
    (shared / "app/a").symlink_to(shared / "cron.d")
    entries = captured(backup, f"{shared}/app/a/x/evil", owner="root", group="root")
    (item,) = placement.plan(backup, entries, [f"{shared}/{allowed}"], {}, "/srv")
    for act in (placement.differs, placement.place):
        with refused("path_refused", "would lie behind the link .*/app/a, which relocate_files does not name"):
            act(item, nobody())
    assert os.listdir(shared / "cron.d") == []


@ROOT_ONLY
def test_a_link_that_the_user_named_leads_on(shared: Path, backup: BackupSet) -> None:
    shared.chmod(0o755)
    os.chown(shared, 0, 0)
    (shared / "real").mkdir()
    (shared / "app").symlink_to("real")
    path = f"{shared}/app/env"
    (item,) = placement.plan(backup, captured(backup, path, owner="root", group="root"), [path], {}, "/srv")
    placement.place(item, nobody())
    assert os.listdir(shared / "real") == ["env"]


@ROOT_ONLY
def test_directories_above_a_file_become_what_they_were_on_old(tmp_path: Path) -> None:
    top, group = reachable(tmp_path), "nogroup" if _has_group("nogroup") else "nobody"
    above = [Directory(f"{top}/a", 0o750, "root", group), Directory(f"{top}/a/b", 0o2770, "nobody", group)]
    placement.place(item(top / "a/b/c/.env", owner="root"), nobody(), above)
    found = [(top / name).stat() for name in ("a", "a/b", "a/b/c")]
    assert [(s.st_uid, s.st_gid, stat.S_IMODE(s.st_mode)) for s in found] == [
        (0, nobody().gid, 0o750),
        (nobody().uid, nobody().gid, 0o2770),
        (0, 0, 0o755),
    ]


def _has_group(name: str) -> bool:
    return any(entry.gr_name == name for entry in unversioned.grp.getgrall())


def test_for_who_is_not_root_ownership_is_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = item(tmp_path / ".env", owner="no-such-user", group="no-such-group")
    placement.place(replace(wanted, owner=me().name, group=item(tmp_path).group), me())
    if os.geteuid() == 0:
        assert placement.differs(wanted)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert not placement.differs(wanted)


# --- the diff


@pytest.mark.parametrize("name", [".env", "prod.env", ".env.local", "env"])
def test_secrets_of_environment_files_are_masked(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(f"DEBUG=0\nSECRET_KEY=old{CANARY}\nDATABASE_URL=postgres://u:{CANARY}@h/d\n")
    after = f"DEBUG=1\nSECRET_KEY={CANARY}\nDATABASE_URL=postgres://u:new{CANARY}@h/d\n"
    (shown,) = placement.diff_of([item(path, content=after.encode())])
    assert (shown["before_header"], shown["after_header"]) == (str(path), str(path))
    assert ("DEBUG=0" in shown["before"], "DEBUG=1" in shown["after"]) == (True, True)
    assert "anary" not in shown["before"] + shown["after"]
    assert shown["before"] != shown["after"]


@pytest.mark.parametrize("name", ["local_settings.py", "key.pem", "secrets.json"])
def test_other_files_are_not_shown(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    content = f"DATABASES = {{'default': {{'PASSWORD': '{CANARY}'}}}}"
    (new,) = placement.diff_of([item(path, content=content.encode())])
    path.write_text(content[::-1])
    (changed,) = placement.diff_of([item(path, content=content.encode())])
    assert "anary" not in str(new) + str(changed)
    assert (new["before"], new["after"]) == ("", f"({len(content)} characters, not shown)")
    assert changed["before"] != changed["after"] == f"({len(content)} characters, not shown), other content"


def test_links_are_shown_by_target(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("old")
    (shown,) = placement.diff_of([item(tmp_path / "link", link="new")])
    assert (shown["before"], shown["after"]) == ("old", "new")
    (absent,) = placement.diff_of([item(tmp_path / "none", link="new")])
    assert (absent["before"], absent["after"]) == ("", "new")
