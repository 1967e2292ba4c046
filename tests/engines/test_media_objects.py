# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""MEDIA between a disk and buckets of a server that speaks S3, by the real rclone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.facts import machine_id
from ansible_collections.relocate.django.plugins.module_utils._record.record import Event, Record, RecordFile
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from ansible_collections.relocate.django.plugins.module_utils._steps import media_logins, media_objects
from ansible_collections.relocate.django.plugins.module_utils._users import current_user
from tests.engines.local_site import PREFIX, LocalSite
from tests.engines.s3_server import S3, served
from tests.unit.fakes import refused

pytestmark = pytest.mark.skipif(not shutil.which("rclone"), reason="rclone is not installed")
SECRET = "Canary-of-the-bucket"
MANY = int(os.environ.get("RELOCATE_OBJECTS", "2000"))


class Site:
    """A site on new, and old's word on where it keeps MEDIA."""

    def __init__(self, top: Path, s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
        self.top, self.s3 = top, s3
        self.disk, self.work = top / "srv" / "media", top / "work"
        self.work.mkdir()
        self.disk.parent.mkdir()
        self.new: list[Any] = []
        self.static: list[Any] = []
        login = {"user": "default", "key": "new", "secret": SECRET, "token": ""}

        def ask(*_args: Any, **_more: Any) -> dict[str, Any]:
            return {"store_logins": [login] if self.new else []}

        monkeypatch.setattr(media_logins.answers, "ask", ask)

    def place(self, bucket: str, **changes: Any) -> dict[str, Any]:
        """Give one bucket of the server, as facts tell it."""
        base = {"kind": "s3", "bucket": bucket, "endpoint": self.s3.address, "prefix": "media", "region": "us-east-1"}
        return {**base, "backend": "x.S3", "acl": "", "addressing": "", "used_by": ["default"], **changes}

    def run(self, old: list[Any], check: bool = False, **changes: Any) -> dict[str, Any]:
        """Do what the module does."""
        given = {
            "directory": str(self.work),
            "site": "shop",
            "stores": old,
            "machine": machine_id(),
            "on_disk": not old,
        }
        given.update({"objects": "copy", "credentials_file": None, "delete": False, "skip": [], **changes})
        with SecretStore(str(self.work / "secrets")) as secrets:
            project = SimpleNamespace(owner=current_user())
            django = {"media_root": str(self.disk), "media_stores": self.new, "static_stores": self.static}
            facts = {"django": django}
            site: Any = SimpleNamespace(project=project, facts=facts, secrets=secrets)
            return media_objects.work(site, media_objects.Options.of(given), check)

    def files(self) -> dict[str, bytes]:
        """Return what lies on the disk."""
        found = [path for path in self.disk.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.disk)): path.read_bytes() for path in found}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with served() as s3:
        s3.buckets = {"old": {}, "new": {}}
        s3.keys = {"new": {"old", "new"}, "reader": {"old"}}
        yield Site(tmp_path, s3, monkeypatch)


def many(count: int, start: int = 0) -> dict[str, bytes]:
    """Make files, odd names among them."""
    found = {f"d{n % 7}/f{n}.txt": b"x" * (n % 300) + b"%d" % n for n in range(start, start + count)}
    return {**found, "odd/ä b+c%20\"'.bin": b"1", "empty": b""}


def below(names: dict[str, bytes]) -> dict[str, bytes]:
    return {"media/" + name: body for name, body in names.items()}


def test_from_bucket_to_bucket_interrupted_and_resumed(site: Site) -> None:
    """What has arrived is not sent again; the last pass brings what changed and removes what is gone."""
    old, site.new = [site.place("old")], [site.place("new")]
    held = many(MANY)
    site.s3.put("old", {**below(held), "other/kept": b"not MEDIA"})
    site.s3.fails_after = MANY // 3
    with refused("media_not_copied", r"rclone cannot copy from bucket old/media of .* to bucket new/media .*keys"):
        site.run(old)
    arrived, site.s3.fails_after, site.s3.written = len(site.s3.buckets["new"]), -1, 0
    assert 0 < arrived < len(held)
    done = site.run(old)
    assert site.s3.held("new") == below(held) and site.s3.written == len(held) - arrived
    assert done["changed"] and done["copies"]
    (found,) = done["copied"]
    assert (found["objects"], found["bytes"], found["by_size"]) == (len(held), sum(map(len, held.values())), 0)
    assert found["who"] == "MEDIA" and found["sent"] == len(held) - arrived
    del site.s3.buckets["old"]["media/d1/f1.txt"]
    site.s3.put("old", below({"d2/f2.txt": b"xx3", "d3/later": b"1"}))
    (found,) = site.run(old, delete=True)["copied"]
    assert (found["sent"], found["removed"], found["objects"]) == (2, 1, len(held))
    assert site.s3.held("new") == {k: v for k, v in site.s3.held("old").items() if k.startswith("media/")}
    assert site.run(old, delete=True)["changed"] is False


def test_from_bucket_to_disk_by_keys_of_a_file(site: Site) -> None:
    """Keys that new's settings do not hold are read from root's file, and files that were there before stay."""
    old, held = [site.place("old")], many(20)
    site.s3.put("old", below(held))
    with refused("media_not_copied", "rclone cannot list bucket old/media of .*relocate_media_credentials_file"):
        site.run(old)
    keys = site.top / "keys"
    keys.write_text(f"AWS_ACCESS_KEY_ID=reader\nAWS_SECRET_ACCESS_KEY={SECRET}\n")
    with refused("bad_option", "can be read by others than root"):
        site.run(old, credentials_file=str(keys))
    keys.chmod(0o600)
    (found,) = site.run(old, credentials_file=str(keys), delete=True)["copied"]
    assert site.files() == held and (found["objects"], found["by_size"]) == (len(held), 0)
    assert (site.disk / "d1" / "f1.txt").stat().st_mode & 0o777 == 0o644
    del site.s3.buckets["old"]["media/d1/f1.txt"]
    assert site.run(old, credentials_file=str(keys), delete=True)["copied"][0]["removed"] == 1
    assert "d1/f1.txt" not in site.files()


def test_files_that_were_on_the_disk_before_are_not_replaced(site: Site) -> None:
    site.s3.put("old", below({"a": b"1"}))
    site.disk.mkdir()
    (site.disk / "own").write_text("own")
    with refused("path_refused", "held files before the move, such as own"):
        site.run([site.place("old", used_by=["default"])], credentials_file=str(_keys(site)))
    assert site.files() == {"own": b"own"}


def _keys(site: Site) -> Path:
    keys = site.top / "keys"
    keys.write_text(f"AWS_ACCESS_KEY_ID=reader\nAWS_SECRET_ACCESS_KEY={SECRET}\n")
    keys.chmod(0o600)
    return keys


def test_from_disk_to_bucket_and_what_is_foreign_there(site: Site) -> None:
    """Objects that old does not have are neither overwritten nor deleted; what stays behind is not copied."""
    site.new = [site.place("new")]
    held = {**many(20), "cache/x": b"c"}
    for name, body in held.items():
        (site.disk / name).parent.mkdir(parents=True, exist_ok=True)
        (site.disk / name).write_bytes(body)
    del held["cache/x"]
    site.s3.put("new", below({"foreign": b"1"}))
    with refused("media_not_blank", r"bucket new/media of .* holds 1 objects that old does not have, such as foreign"):
        site.run([], skip=["cache"])
    assert site.s3.held("new") == below({"foreign": b"1"})
    del site.s3.buckets["new"]["media/foreign"]
    (found,) = site.run([], skip=["cache"])["copied"]
    assert site.s3.held("new") == below(held) and found["by_size"] == 0
    site.s3.put("new", below({"d1/f1.txt": b"x?"}))
    (found,) = site.run([], skip=["cache"], delete=True)["copied"]
    assert (found["sent"], site.s3.held("new")) == (1, below(held))
    kept = RecordFile.read(str(site.work), "shop")
    kept.write(Record(media_filled=kept.record.media_filled, served=Event(label="l", at=1.0)))
    site.s3.put("new", below({"taken in": b"1"}))
    with refused("media_not_blank", "the site has served with them here"):
        site.run([], skip=["cache"], delete=True)
    assert "media/taken in" in site.s3.buckets["new"]


REFUSED: list[tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, Any], str]] = [
    ([{"bucket": "old"}], [{"bucket": "new"}], {"objects": "refuse"}, "MEDIA: old keeps it in bucket old/media of"),
    ([{"bucket": "old"}], [], {"objects": "refuse"}, "new's settings name MEDIA_ROOT; |MEDIA_ROOT Next"),
    ([], [{"bucket": "new"}], {"objects": "refuse"}, "old keeps it in MEDIA_ROOT, new's settings name bucket new"),
    ([{"bucket": "old", "kind": "gcs"}], [{"bucket": "new"}], {}, "only buckets of S3 are copied"),
    ([{"bucket": "old"}], [{"bucket": "old", "prefix": "media/in"}], {}, "one of the two lies within the other"),
    ([{"bucket": "old"}], [{"bucket": "new"}], {"machine": "another"}, "that address of old means old itself"),
    ([{"bucket": "old", "used_by": ["a.B.c"]}], [], {}, "of a field only one bucket is copied"),
    ([{"bucket": "old"}], [], {"on_disk": True}, "MEDIA_ROOT of old holds files too"),
    (
        [{"bucket": "old"}, {"bucket": "b", "used_by": ["a.B.c"]}],
        [{"bucket": "new"}, {"bucket": "new", "prefix": "media/in", "used_by": ["a.B.c"]}],
        {},
        "files of another place of old, or live ones, lie there on new too",
    ),
]


@pytest.mark.parametrize(("old", "new", "changes", "why"), REFUSED)
def test_what_is_refused_before_anything_is_asked(
    site: Site, old: list[dict[str, Any]], new: list[dict[str, Any]], changes: dict[str, Any], why: str
) -> None:
    """Each with what to do instead; rclone is not started."""
    site.new = [site.place(**item) for item in new]
    with refused("media_elsewhere", f"({why}).*relocate_media_objects"):
        site.run([site.place(**item) for item in old], **changes)
    assert not site.s3.seen


@pytest.mark.parametrize(
    ("prefix", "way"),
    [("media", "give them another place"), ("media/static/v1", "list static/v1 in relocate_media_skip")],
)
def test_static_files_of_new_in_the_same_place_are_refused(site: Site, prefix: str, way: str) -> None:
    """Else those of old take their place, or the last pass takes them for gone."""
    site.new, site.static = [site.place("new")], [site.place("new", prefix=prefix, used_by=["staticfiles"])]
    with refused("media_elsewhere", rf"static files of new lie there too \({way}\)"):
        site.run([site.place("old")])
    assert not site.s3.seen


def test_static_files_whose_names_stay_behind_are_left_alone(site: Site) -> None:
    old, site.new = [site.place("old")], [site.place("new")]
    site.static = [site.place("new", prefix="media/static")]
    site.s3.put("old", below({"a": b"1", "static/x.css": b"old"}))
    site.s3.put("new", below({"static/x.css": b"new", "static/only.css": b"new"}))
    for delete in (False, True):
        site.run(old, skip=["static"], delete=delete)
    assert site.s3.held("new") == below({"a": b"1", "static/x.css": b"new", "static/only.css": b"new"})


@pytest.mark.parametrize("prefix", ["", "static", "media2"])
def test_static_files_that_are_elsewhere_are_in_nobodys_way(site: Site, prefix: str) -> None:
    site.new, site.static = [site.place("new")], [site.place("new", prefix=prefix)]
    site.s3.put("old", below({"a": b"1"}))
    assert site.run([site.place("old")])["copied"][0]["sent"] == 1


@pytest.mark.parametrize("to_disk", [False, True])
def test_what_was_made_on_new_between_the_passes_stays(site: Site, to_disk: bool) -> None:
    """Old never had it, so it is not gone there; what an earlier run had seen on old is, and is removed."""
    old, site.new = [site.place("old")], [] if to_disk else [site.place("new")]
    keys = {"credentials_file": str(_keys(site))} if to_disk else {}
    site.s3.put("old", below({"a": b"1", "b": b"2", "c": b"3"}))
    for name in ("b", "c"):
        site.run(old, **keys)
        del site.s3.buckets["old"]["media/" + name]
    if to_disk:
        (site.disk / "css").mkdir()
        (site.disk / "css/site.css").write_bytes(b"new")
    else:
        site.s3.put("new", below({"css/site.css": b"new"}))
    done = site.run(old, delete=True, **keys)
    held = {"a": b"1", "css/site.css": b"new"}
    assert (site.files() if to_disk else site.s3.held("new")) == (held if to_disk else below(held))
    assert done["copied"][0]["removed"] == 2
    assert "holds 1 files that old never had, such as css/site.css: they stay" in done["notes"][-1]


def test_one_place_of_both_and_what_is_left_are_noted(site: Site) -> None:
    site.new = [site.place("old")]
    done = site.run([site.place("old")], objects="refuse")
    assert (done["changed"], done["copies"], site.s3.seen) == (False, False, [])
    assert "both sites use bucket old/media of" in done["notes"][0] and "an undo goes back" in done["notes"][0]
    site.new = [site.place("new")]
    done = site.run([site.place("old")], objects="leave")
    assert (done["copies"], "nothing was copied (relocate_media_objects: leave)" in done["notes"][0]) == (False, True)
    assert site.run([site.place("old")], check=True)["changed"] and not site.s3.seen


def test_an_empty_disk_of_old_is_in_nobodys_way(site: Site) -> None:
    """The site's first release with a bucket: no file was ever uploaded on old."""
    site.new = [site.place("new")]
    done = site.run([], objects="refuse", on_disk=False)
    assert (done["copies"], site.s3.seen) == (False, [])
    assert "MEDIA: old keeps it on a disk that holds none, so nothing is copied to bucket new/media" in done["notes"][0]


def test_links_on_a_disk_are_named_since_no_bucket_holds_them(site: Site) -> None:
    site.new = [site.place("new")]
    (site.disk / "d").mkdir(parents=True)
    (site.disk / "d/v3.png").write_bytes(b"3")
    (site.disk / "d/current.png").symlink_to("v3.png")
    with refused("media_skipped", "MEDIA: 1 symbolic links in MEDIA_ROOT, such as d/current.png"):
        site.run([])
    assert site.s3.held("new") == {}
    site.run([], skip=["d/current.png"])
    assert site.s3.held("new") == below({"d/v3.png": b"3"})


def test_a_source_that_is_not_there_is_no_empty_one(site: Site) -> None:
    """Else the last pass would remove all that is in the bucket, and find both equal."""
    site.new = [site.place("new")]
    with refused("media_not_copied", "rclone cannot list"):
        site.run([], delete=True, skip=["cache"])


def test_what_version_control_brought_to_a_disk_stays(site: Site) -> None:
    site.s3.put("old", below({"a.txt": b"a"}))
    site.disk.mkdir(parents=True)
    (site.disk / ".gitkeep").write_bytes(b"")
    for words in (["init", "--quiet"], ["add", "media/.gitkeep"]):
        subprocess.run(["git", "-C", site.disk.parent, *words], check=True)
    site.run([site.place("old")], delete=True, credentials_file=str(_keys(site)))
    assert site.files() == {"a.txt": b"a", ".gitkeep": b""}


def test_what_version_control_brought_is_not_replaced(site: Site) -> None:
    """The checkout would be changed by it, and the next move be refused."""
    site.s3.put("old", below({"a.txt": b"a", "default.png": b"other", "same.png": b"s"}))
    site.disk.mkdir(parents=True)
    (site.disk / "default.png").write_bytes(b"committed")
    (site.disk / "same.png").write_bytes(b"s")
    for words in (["init", "--quiet"], ["add", "media"]):
        subprocess.run(["git", "-C", site.disk.parent, *words], check=True)
    keys = str(_keys(site))
    with refused("media_not_blank", "1 files of version control that are other ones .*: default.png .*media_skip"):
        site.run([site.place("old")], credentials_file=keys)
    held = {"default.png": b"committed", "same.png": b"s"}
    assert site.files() == held and RecordFile.read(str(site.work), "shop").record.media is None
    for delete in (False, True):
        site.run([site.place("old")], credentials_file=keys, skip=["default.png"], delete=delete)
    assert site.files() == {**held, "a.txt": b"a"}


def test_what_writes_meanwhile_is_found_by_the_comparison(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The word of rclone is not taken: an object that is another one in the end fails the last pass."""
    old, site.new = [site.place("old")], [site.place("new")]
    site.s3.put("old", below(many(5)))
    change = media_objects.Copy.all

    def spoiled(self: Any, size: int) -> None:
        change(self, size)
        site.s3.put("new", below({"d1/f1.txt": b"x!"}))

    monkeypatch.setattr(media_objects.Copy, "all", spoiled)
    with refused("media_not_copied", r"MEDIA: 1 differ between bucket old/media .* such as d1/f1\.txt"):
        site.run(old, delete=True)


@pytest.mark.parametrize("gone", [False, True])
def test_what_writes_to_the_bucket_of_old_is_found_too(site: Site, monkeypatch: pytest.MonkeyPatch, gone: bool) -> None:
    """It is listed once more when all is copied: what came after the first list is not left behind unsaid."""
    old, site.new = [site.place("old")], [site.place("new")]
    site.s3.put("old", below(many(5)))
    change = media_objects.Copy.all

    def late(self: Any, size: int) -> None:
        change(self, size)
        if gone:
            del site.s3.buckets["old"]["media/d1/f1.txt"]
        else:
            site.s3.put("old", below({"late": b"1"}))

    monkeypatch.setattr(media_objects.Copy, "all", late)
    with refused("media_not_copied", f"MEDIA: 1 differ .*{'d1/f1.txt' if gone else 'late'} .*find what writes"):
        site.run(old, delete=True)


def test_a_bucket_that_is_its_own_copy_loses_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its server has two names. What is written between the two lists was not there in the first, and stays."""
    old = [site.place("old")]
    site.new = [site.place("old", endpoint=site.s3.address.replace("127.0.0.1", "localhost"))]
    site.s3.put("old", below({"a": b"1", "back": b"1"}))
    site.run(old)
    del site.s3.buckets["old"]["media/back"]
    listing = media_objects.Copy.of_target

    def late(self: Any) -> Any:
        site.s3.put("old", below({"back": b"2", "more": b"3"}))
        return listing(self)

    monkeypatch.setattr(media_objects.Copy, "of_target", late)
    done = site.run(old, delete=True)["copied"]
    assert site.s3.held("old") == below({"a": b"1", "back": b"2", "more": b"3"})
    assert (done[0]["objects"], done[0]["removed"], done[0]["sent"]) == (3, 0, 0)


LATER = "2026-11-20T19:31:00.000Z"


@pytest.mark.parametrize("to_disk", [False, True])
@pytest.mark.parametrize(("before", "after"), [(3, 3), (0, 3)])
def test_what_has_no_checksum_and_was_written_anew_is_sent_again(
    site: Site, to_disk: bool, before: int, after: int
) -> None:
    """Its size is the same; what was not written since is not sent again, and no object is asked for by itself."""
    old, site.new = [site.place("old")], [] if to_disk else [site.place("new")]
    keys = {"credentials_file": str(_keys(site))} if to_disk else {}
    for _round in range(2):
        site.s3.put("old", below({"big": b"11"}), parts=before)
        site.s3.put("old", below({"still": b"2"}), parts=3)
        site.s3.put("old", below({"usual": b"3"}))
        site.run(old, **keys)
    assert site.run(old, **keys)["copied"][0]["sent"] == 0
    site.s3.put("old", below({"big": b"12"}), parts=after, when=LATER)
    (found,) = site.run(old, delete=True, **keys)["copied"]
    held = {"big": b"12", "still": b"2", "usual": b"3"}
    assert (found["sent"], found["by_size"]) == (1, 2)
    assert (site.files() if to_disk else site.s3.held("new")) == (held if to_disk else below(held))
    assert site.run(old, delete=True, **keys)["changed"] is False


def test_one_object_without_a_checksum_alone(site: Site) -> None:
    """All that is copied is another one then, and rclone would leave out what is of the same size."""
    old, site.new = [site.place("old")], [site.place("new")]
    site.s3.put("old", below({"big": b"11"}), parts=2)
    site.run(old)
    site.s3.put("old", below({"big": b"12"}), parts=2, when=LATER)
    site.run(old, delete=True)
    assert site.s3.held("new") == below({"big": b"12"})


def test_what_is_written_anew_while_the_last_pass_copies(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    old, site.new = [site.place("old")], [site.place("new")]
    site.s3.put("old", below({"big": b"11"}), parts=2)
    change = media_objects.Copy.all

    def late(self: Any, size: int) -> None:
        change(self, size)
        site.s3.put("old", below({"big": b"12"}), parts=2, when=LATER)

    monkeypatch.setattr(media_objects.Copy, "all", late)
    with refused("media_not_copied", "MEDIA: 1 differ .*, such as big"):
        site.run(old, delete=True)


def test_a_list_asks_for_no_object_by_itself(site: Site) -> None:
    """A million of them would be a million requests in the downtime."""
    old, site.new = [site.place("old")], [site.place("new")]
    site.s3.put("old", below(many(100)))
    site.run(old)
    site.s3.seen.clear()
    site.run(old, delete=True)
    assert len(site.s3.seen) < 20, "rclone asks for the prefix itself once in each of four lists"


KMS = {"encryption": "aws:kms", "kms_key": "arn:aws:kms:eu:1:key/2"}


@pytest.mark.parametrize("side", ["old", "new", "both"])
def test_buckets_that_encrypt_by_kms_are_copied_once_that_is_said(site: Site, side: str) -> None:
    """Their ETags look like checksums and are none: what to do is said in the first pass, while old serves."""
    site.s3.kms = {"old", "new"} if side == "both" else {side}
    site.new, held = [site.place("new")], many(5)
    site.s3.put("old", below(held), kms="old" in site.s3.kms)
    with refused("media_not_copied", "encrypted by SSE-KMS.*AWS_S3_OBJECT_PARAMETERS"):
        site.run([site.place("old")])
    said = {bucket: site.place(bucket, **(KMS if bucket in site.s3.kms else {})) for bucket in ("old", "new")}
    site.new = [said["new"]]
    for delete in (False, True):
        (found,) = site.run([said["old"]], delete=delete)["copied"]
    assert site.s3.held("new") == below(held) and found["sent"] == 0
    site.s3.put("old", below({"d1/f1.txt": b"x!"}), kms="old" in site.s3.kms, when=LATER)
    (found,) = site.run([said["old"]], delete=True)["copied"]
    assert (found["sent"], site.s3.held("new")["media/d1/f1.txt"]) == (1, b"x!")
    assert (tuple(KMS.values()) in site.s3.encrypted) is (side != "old")


def test_from_a_bucket_that_encrypts_by_kms_to_a_disk(site: Site) -> None:
    site.s3.put("old", below({"a": b"1", "b": b"2"}), kms=True)
    keys = str(_keys(site))
    with refused("media_not_copied", "AWS_S3_OBJECT_PARAMETERS"):
        site.run([site.place("old")], credentials_file=keys)
    (found,) = site.run([site.place("old", **KMS)], credentials_file=keys, delete=True)["copied"]
    assert (site.files(), found["by_size"]) == ({"a": b"1", "b": b"2"}, 2)


def test_no_secret_reaches_a_command_line_or_a_message(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    start = media_objects.Copy._call

    def seen(self: Any, argv: Any, **more: Any) -> Any:
        started.append(list(argv))
        return start(self, argv, **more)

    monkeypatch.setattr(media_objects.Copy, "_call", seen)
    site.s3.keys = {}
    site.new = [site.place("new")]
    with pytest.raises(RelocateError) as caught:
        site.run([site.place("old")])
    assert started and SECRET not in str(started) + str(caught.value.as_result())
    assert list((site.work / "secrets").iterdir()) == []


#: Where a site keeps MEDIA, by its environment.
STORED = """
import os
if os.environ.get("BUCKET"):
    STORAGES = {
        "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {
            "bucket_name": os.environ["BUCKET"], "location": "media", "endpoint_url": os.environ["ENDPOINT"],
            "access_key": "new", "secret_key": os.environ["BUCKET_SECRET"],
        }},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
"""


class Stored(LocalSite):
    """A site whose hosts keep MEDIA in different buckets."""

    address = ""

    def host(self, side: str) -> dict[str, Any]:
        """Give the variables of one host."""
        environment = {"BUCKET": side, "ENDPOINT": self.address, "BUCKET_SECRET": SECRET}
        return {**super().host(side), "relocate_environment": environment}


@pytest.mark.drawn(5, of="local moves")
def test_a_move_from_bucket_to_bucket(site: Site) -> None:
    """Preflight says where it lies; it is copied, compared and told."""
    local = Stored(site.top)
    local.address = site.s3.address
    local.make()
    name = f"{PREFIX}/settings.py"
    local.commit({name: (local.old / name).read_text() + STORED})
    held = many(30)
    site.s3.put("old", below(held))
    rc, said = local.play(relocate_rehearse="none", relocate_media_objects="copy", relocate_first_copy="never")
    assert rc == 0, said[-6000:]
    assert site.s3.held("new") == below(held)
    (report,) = (local.base / "reports").glob("*.json")
    (found,) = [item for item in json.loads(report.read_text())["promises"] if item["promise"] == "media"]
    assert found["status"] == "measured"
    assert found["figures"].endswith(": 32 objects, 0.0 MB, equal by name, size and checksum")
    assert SECRET not in said + report.read_text()
    unwrapped = "".join(said.split())
    assert f"MEDIAliesinbucketold/mediaof{site.s3.address}:nothing" in unwrapped, said[:6000]
