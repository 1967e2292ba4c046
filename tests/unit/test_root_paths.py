# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Root never opens, copies, chowns, creates or removes by path below a directory that somebody else can write.

It acts there as that user (``acting_as``, or a program that runs as him), or by descriptor (``_openat``). This reads
the sources for calls that take a path. One within ``with acting_as(...)`` is fine; each other one is on the list below,
with the reason why nobody can put a link in the way. Before you add to the list, think of the one who owns the
project's account and can exchange every name below his own directories between any two calls of yours.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit import sources

#: Calls that take a path, by module. Questions about a path (stat, exists, realpath) are not among them: what they
#: answer may be old news a moment later, and what is done about it is what counts.
BY_PATH = {
    "os": """open chown lchown chmod rename renames replace unlink remove removedirs mkdir makedirs rmdir symlink link
        utime truncate mkfifo mknod setxattr removexattr listdir scandir walk chdir chroot""".split(),
    "shutil": "copy copy2 copyfile copymode copystat copytree move rmtree chown make_archive unpack_archive".split(),
    "tempfile": "mkdtemp mkstemp NamedTemporaryFile TemporaryDirectory mktemp".split(),
    "glob": ["glob", "iglob"],
    "tarfile": ["TarFile"],
    "zipfile": ["ZipFile"],
    "sqlite3": ["connect"],
    "gzip": ["open", "GzipFile"],
    "io": ["open"],
    "files": ["created", "replaced"],  # of _host: new files
}
#: Names of variables that hold an open descriptor: the call acts on what is open.
DESCRIPTORS = {"handle", "child"}
#: A block that holds a user's rights.
AS_USER = {"acting_as", "owned", "_as_owner"}
#: What runs in the project's interpreter, as the project's owner.
AS_OWNER = "venv_*.py"

OURS = "in our work directory or below /run, which nobody but root can write: make_directory refuses another"
SET = "in a backup set, which nobody but root can write; the dumps in it are root's again before they are touched"
SYSTEM = "the system's own, which nobody but root can write"
KERNEL = "of /proc, whose names nobody makes"
CALLERS = "its callers hold the owner's rights: that too is looked at below"
NAMED = "a file that the user names; what is open is refused unless it is root's alone, whatever path led to it"
ASKED = "only asks whether something is there: what is done about it is done by descriptor"
OWN = "root's own directory in a sticky or root's one, given away as the last thing, and by descriptor"

#: file -> function -> calls, and why they may go by path.
ALLOWED: dict[str, dict[str, tuple[str, str]]] = {
    "module_utils/_project/interpreters.py": {
        "_there": ("os.listdir", "below /opt/relocate, where root's installers write, and nobody else can"),
        "_close_lock": ("os.open", "below /opt/relocate, where root's installers write, and nobody else can"),
    },
    "module_utils/_compiled.py": {
        "opened": ("os.mkdir os.open", OURS),
    },
    "module_utils/_discover/listening.py": {
        "_held": ("os.listdir", KERNEL),
        "processes": ("os.listdir", KERNEL),
        "text_of": ("open", KERNEL),
    },
    "module_utils/_discover/extensions.py": {
        "_modules": ("os.walk", "find holds the rights of the project's owner"),
        "_opened": ("os.open", "find holds the rights of the project's owner"),
        "_owners": ("glob.glob", "find holds the rights of the project's owner"),
    },
    "module_utils/_discover/opened.py": {
        "_head": ("os.open", "find holds the rights of the project's owner"),
    },
    "module_utils/_discover/places.py": {
        "_below": ("glob.glob", ASKED),
        "_walk": ("glob.glob", ASKED),
        "_directories": ("os.scandir", ASKED),
    },
    "module_utils/_engines/mysql/catchup_apply.py": {
        "read": ("open", SET),
        "Copy._insert": ("open", SET),
    },
    "module_utils/_engines/mysql/load.py": {
        "read_schema": ("os.open", SET),
    },
    "module_utils/_engines/mysql/replicate_apply.py": {
        "_one_file": ("open", SET),
    },
    "module_utils/_engines/mysql/replicate_follow.py": {
        "Stream.write": ("files.created os.rename", SET),
    },
    "module_utils/_engines/following.py": {
        "begun": ("files.created", SET),
        "_apart": ("os.chdir os.listdir os.open", "the root directory, /dev/null and /proc, where nobody makes links"),
        "Place.request": ("open", SET),
        "locked": ("os.open", SET),
        "is_alive": ("os.open", SET),
        "_read": ("open", SET),
        "clear": ("os.unlink", SET),
    },
    "module_utils/_engines/postgresql/catchup_apply.py": {
        "read": ("open", SET),
        "_copy": ("open", SET),
    },
    "module_utils/_engines/postgresql/libpq.py": {
        "_read": ("os.open", "Server._open holds the rights of the one whose home it is"),
    },
    "module_utils/_engines/postgresql/programs.py": {
        "installed": ("glob.glob", SYSTEM),
        "_sizes": ("os.listdir", CALLERS),
        "_ends_well": ("open", CALLERS),
    },
    "module_utils/_engines/postgresql/replicate_apply.py": {
        "_one_file": ("open", SET),
    },
    "module_utils/_engines/postgresql/replicate_follow.py": {
        "Stream._write": ("files.created", SET),
        "Stream.end_file": ("os.rename", SET),
    },
    "module_utils/_engines/sqlite/catchup_apply.py": {
        "forget": ("os.unlink", CALLERS),
    },
    "module_utils/_engines/sqlite/content.py": {
        "connect": ("sqlite3.connect", CALLERS),
        "all_pages": ("open", CALLERS),
        "copy_database": ("files.created", CALLERS),
    },
    "module_utils/_engines/sqlite/files.py": {
        "remove_side_files": ("os.unlink", CALLERS),
        "remove_database": ("os.unlink", CALLERS),
        "sync": ("os.open", CALLERS),
        "recorded_size": ("open", CALLERS),
        "match_rights": ("os.chmod os.chown", CALLERS),
        "exchange": ("os.link os.rename os.replace os.replace", CALLERS),
        "processes_with": ("os.listdir os.listdir", "of /proc, which links nowhere but to open files, and only asks"),
    },
    "module_utils/_engines/sqlite/schema.py": {
        "_header": ("open", CALLERS),
    },
    "module_utils/_host/archives.py": {"candidates": ("glob.glob", SYSTEM)},
    "module_utils/_host/facts.py": {
        "machine_id": ("open", SYSTEM),
        "_os_release": ("open", SYSTEM),
    },
    "module_utils/_host/files.py": {
        "remove_tree": ("shutil.rmtree shutil.rmtree", OURS),
        "replaced": ("files.created os.replace os.unlink os.unlink", "its callers are on this list themselves"),
        "write_atomically": ("files.replaced", OURS),
        "sync_directory": ("os.open", OURS),
        "make_directory": ("os.chmod os.chown os.mkdir", OURS),
    },
    "module_utils/_host/openat.py": {
        "_Walk.__init__": ("os.open", "the root directory itself, where each walk begins"),
        "_Walk.go": ("os.open", "the root directory itself, where each walk begins"),
    },
    "module_utils/_host/progress_file.py": {
        "_Writer.__init__": ("files.created", OURS),
        "_Writer.end": ("os.unlink", OURS),
        "_clear": ("os.listdir os.unlink", OURS),
    },
    "module_utils/_host/owner.py": {
        "_last_of_system": ("open", "/etc/login.defs is root's"),
        "_may_become_root": ("glob.glob open", SYSTEM),
    },
    "module_utils/_host/tree.py": {
        "walk": ("os.open", CALLERS),
    },
    "module_utils/_media/brought.py": {
        "read": ("open", OURS),
    },
    "module_utils/_media/root.py": {
        "regroup": ("os.open", "changes only what is open, and then still the owner's own by fstat"),
    },
    "module_utils/_code/placed.py": {
        "fill": ("open", SET),
    },
    "module_utils/_project/hg_checkout.py": {
        "_from_bundle": ("open", SET),
    },
    "module_utils/_steps/site_code.py": {
        "begun_for_another": ("open", SET),
    },
    "module_utils/_project/checkout.py": {
        "is_free": ("os.listdir", ASKED),
        "_from_bundle": ("open", SET),
    },
    "module_utils/_project/project.py": {
        "_find_manage": ("glob.glob", "only to name what is beside, in a refusal"),
    },
    "module_utils/_project/requirements.py": {
        "read_text": (
            "os.open",
            "environment.plan and those who ask packages.named hold the rights of the checkout's owner",
        ),
    },
    "module_utils/_host/scratch.py": {
        "owned_directory": ("os.open os.rmdir tempfile.mkdtemp", OWN),
    },
    "module_utils/_project/untracked.py": {
        "_Look._below": ("os.walk", "left_out holds the owner's rights while it looks"),
    },
    "module_utils/_standby/begin.py": {
        "begin": ("shutil.rmtree", OURS),
        "_fill": ("files.created files.created open", OURS + "; the archive is the one that this process runs out of"),
    },
    "module_utils/_standby/place.py": {
        "_names": ("os.listdir", OURS),
        "remove": ("shutil.rmtree", OURS),
    },
    "module_utils/_standby/serve.py": {
        "_listen": ("os.rename", OURS),
        "serve": ("shutil.rmtree", OURS),
    },
    "module_utils/_steps/carried_rabbitmq.py": {
        "_Definitions._saved": ("open", SET),
    },
    "module_utils/_steps/carried_redis.py": {
        "_Keys.fill": ("open open", SET),
    },
    "module_utils/_steps/carry.py": {
        "save_all": ("files.replaced", SET),
    },
    "module_utils/_record/kept.py": {
        "_write": ("files.replaced", OURS),
        "_read": ("os.open", OURS),
        "forget": ("os.unlink", OURS),
    },
    "module_utils/_nightly/main.py": {
        "_alone": ("os.open", OURS),
    },
    "module_utils/_nightly/plan.py": {
        "read": ("os.open", "in /etc/relocate, which nobody but root can write"),
    },
    "module_utils/_record/lease.py": {
        "Lease.__enter__": ("os.open", OURS),
        "Lease.holder": ("os.open", OURS),
    },
    "module_utils/_record/record.py": {
        "read_record": ("open", OURS),
    },
    "module_utils/_secrets.py": {
        "SecretStore.__enter__": ("files.created os.chown os.mkdir os.open", OURS),
        "SecretStore.__exit__": ("shutil.rmtree", OURS),
        "SecretStore.write": ("files.created os.unlink", OURS),
        "remove_leftovers": ("os.listdir os.open shutil.rmtree", OURS),
    },
    "module_utils/_services/cron.py": {
        "SiteCron._arm": ("files.replaced", OURS),
        "SiteCron.disarm": ("os.listdir shutil.rmtree", OURS),
    },
    "module_utils/_services/forward.py": {
        "Forwarding._make": ("files.replaced", "in directories of nginx and systemd: root's own"),
        "Forwarding._unwrite": ("os.unlink", "in directories of nginx and systemd: root's own"),
        "Forwarding._write_again": ("files.replaced", "in directories of nginx and systemd: root's own"),
        "Forwarding.take_down": ("shutil.rmtree", OURS),
    },
    "module_utils/_services/maintenance.py": {
        "Page.hide": (
            "os.unlink shutil.rmtree",
            "in the server's configuration, and in our work directory: root's own",
        ),
        "Page._write": ("files.replaced", "in the server's configuration, and in our work directory: root's own"),
    },
    "module_utils/_services/systemd.py": {
        "_first_words": ("open", KERNEL),
    },
    "module_utils/_services/groups.py": {
        "_lists": ("glob.glob", "of /sys/fs/cgroup, where nobody can make a link"),
        "_pids": ("open", "of /sys/fs/cgroup, where nobody can make a link"),
    },
    "module_utils/_set/cron.py": {
        "read": ("open", SET),
    },
    "module_utils/_set/directory.py": {
        "BackupSet.labels": ("os.listdir", SET),
        "BackupSet.read_prepared": ("open", SET),
        "BackupSet.read_environment": ("open", SET),
        "BackupSet.discard": ("os.unlink", SET),
        "BackupSet.finish": ("os.unlink os.walk", SET),
    },
    "module_utils/_set/held.py": {
        "held": ("os.open", SET),
        "alone_with": ("os.open", SET),
    },
    "module_utils/_set/first_copy.py": {
        "_text": ("open", SET),
        "bases": ("open", SET),
        "forget_bases": ("os.unlink", SET),
    },
    "module_utils/_set/pins.py": {
        "read": ("os.open", SET),
        "forget": ("os.unlink", SET),
    },
    "module_utils/_set/retention.py": {
        "unfinished": ("os.listdir", SET),
        "take_back": ("os.listdir", SET),
    },
    "module_utils/_set/seal.py": {
        "check_owned": ("os.walk", SET),
        "files_below": ("os.walk", SET),
        "sealed": ("os.open", SET),
        "_copied": ("files.replaced", SET),
    },
    "module_utils/_set/unversioned.py": {
        "capture": ("open os.listdir os.unlink", SET),
        "_private": ("os.open", SET),
    },
    "module_utils/_steps/backup.py": {
        "_write": ("files.replaced", SET),
    },
    "module_utils/_steps/repository.py": {
        "_bring": ("os.chmod os.rename os.walk shutil.rmtree shutil.rmtree", OURS),
        "_own": ("os.chown os.walk", OURS),
    },
    "module_utils/_steps/clone_set.py": {
        "_copy": ("os.rename os.walk shutil.copytree shutil.rmtree shutil.rmtree", OURS),
    },
    "module_utils/_repository/remote.py": {
        "Remote._labels": ("os.listdir", OURS),
        "Remote._content": ("open", OURS),
        "Remote._equal": ("open", OURS),
        "Remote._remove": ("os.rmdir", OURS),
        "Remote._scratch": ("shutil.rmtree tempfile.mkdtemp", OURS),
    },
    "module_utils/_repository/restic.py": {
        "Restic._start": ("tempfile.NamedTemporaryFile", OURS),
    },
    "module_utils/_repository/ssh.py": {
        "command": ("tempfile.TemporaryDirectory", OURS),
    },
    "module_utils/_host/private.py": {
        "read_private": ("os.open", NAMED),
    },
    "module_utils/_age/age.py": {
        "encrypt": ("files.replaced open", SET),
        "check_opens": ("open", KERNEL),
        "_no_link": ("os.open", SET),
    },
    "module_utils/_set/content.py": {
        "Content._with_dumps": ("os.open", SET),
        "Content._manifest_text": ("os.open", SET),
        "Content._entry": ("os.open", SET),
    },
    "module_utils/_set/encrypted.py": {
        "encrypt_all": ("os.unlink", SET),
        "opened": ("files.created os.makedirs os.unlink", OURS),
    },
    "module_utils/_steps/schedule.py": {
        "File.is_there": ("os.open", SYSTEM),
        "File.diff": ("open", SYSTEM),
        "packed": ("zipfile.ZipFile zipfile.ZipFile", "the archive of this very module, and memory"),
        "_write": ("files.replaced os.makedirs", SYSTEM),
        "_unlink": ("os.rmdir os.unlink", SYSTEM),
    },
    "module_utils/_steps/store_media.py": {
        "_archived": ("files.replaced", SET),
    },
    "module_utils/_steps/checkout.py": {
        "_packed": ("open", SET),
        "_source": ("open", SET),
    },
    "module_utils/_steps/preflight_new.py": {
        "_occupied": ("os.listdir", ASKED),
    },
    "module_utils/_steps/rehearse.py": {
        "_is_there": ("glob.glob", ASKED),
    },
    "module_utils/_steps/restore_media.py": {
        "_opened": ("open", SET),
    },
    "module_utils/_steps/streams.py": {
        "discard": ("shutil.rmtree", SET),
    },
    "module_utils/_steps/ttl.py": {
        "_resolvers": ("open", SYSTEM),
    },
    "module_utils/_steps/transfer.py": {
        "remove_key": ("shutil.rmtree", OURS),
    },
    "module_utils/_steps/transfer_grant.py": {
        "withdraw": ("os.unlink", OURS),
    },
    "module_utils/_transfer/authorized_keys.py": {
        "_same_time": ("os.utime", CALLERS),
    },
    "module_utils/_transfer/fetch.py": {
        "make_key": ("os.unlink", OURS),
        "read_public_key": ("open", OURS),
        "_key_for": ("os.chmod os.chown os.chown shutil.copyfile shutil.rmtree shutil.rmtree", OURS),
        "bring_set": ("os.unlink os.unlink", SET),
        "_verify_or_discard": ("os.unlink", SET),
        "remove_partial": ("os.walk shutil.rmtree", "of a set; of MEDIA only while the owner's rights are held"),
        "claimed": ("os.chown", SET),
    },
    "module_utils/_transfer/grant.py": {
        "one_at_a_time": ("os.open", OURS),
        "write_conf": ("os.open", OURS),
    },
    "module_utils/_transfer/local.py": {
        "_Copy._directory": (
            "os.chmod os.mkdir",
            "Copier.fetch holds the rights of the project's owner; without one it copies from set to set",
        ),
        "_Copy.file": (
            "files.created os.open os.replace os.unlink os.utime",
            "Copier.fetch holds the rights of the project's owner; without one it copies from set to set",
        ),
        "_Copy._link": (
            "os.symlink",
            "Copier.fetch holds the rights of the project's owner; without one it copies from set to set",
        ),
        "_Copy._remove": (
            "os.makedirs os.rmdir os.unlink shutil.move",
            "Copier.fetch holds the rights of the project's owner; without one it copies from set to set",
        ),
    },
    "module_utils/_transfer/opened.py": {
        "keep_open": ("os.unlink", OURS),
    },
    "module_utils/_transfer/sshd.py": {
        "_host_keys": ("open", SYSTEM),
    },
}
#: Functions that call what relies on its callers, and why they too may.
VOUCHED: dict[tuple[str, str], str] = {
    ("module_utils/_transfer/local.py", "_Copy.tree"): "Copier.fetch holds the rights",
    ("module_utils/_transfer/local.py", "_Copy._delete"): "Copier.fetch holds the rights",
    ("module_utils/_transfer/local.py", "_Copy._clear"): "Copier.fetch holds the rights",
    ("module_utils/_engines/sqlite/content.py", "open_view"): CALLERS,
    ("module_utils/_engines/sqlite/content.py", "settle"): CALLERS,
    ("module_utils/_engines/sqlite/files.py", "check_whole"): CALLERS,
    ("module_utils/_engines/sqlite/files.py", "holds_all"): CALLERS,
    ("module_utils/_engines/sqlite/schema.py", "whole_schema"): CALLERS,
    (
        "module_utils/_engines/sqlite/snapshot.py",
        "SqliteSnapshot._replace_view",
    ): "dump holds the rights",
    ("module_utils/_engines/sqlite/engine.py", "SqliteEngine._check_loaded"): "load and incoming hold the rights",
    ("module_utils/_media/inventory.py", "_count"): CALLERS,
    ("module_utils/_media/archive.py", "_write_tar"): CALLERS,
    ("module_utils/_media/root.py", "regroup"): "changes only what is open, and then still the owner's own by fstat",
}
#: Files that are opened whether or not somebody made them: where only root can, and never through a link.
MAY_BE_THERE = {"lease.py": OURS, "report.py": "on the controller", "relay.py": "on the controller"}


def scanned() -> list[Path]:
    """Give what may run as root on a managed host."""
    files = sources.files("plugins/module_utils/**/*.py", "plugins/modules/*.py")
    return [path for path in files if not path.match(AS_OWNER)]


def called(node: ast.Call) -> str:
    """Give the dotted name of what is called, if it takes a path."""
    function = node.func
    if isinstance(function, ast.Name):
        return {"open": "open", "created": "files.created", "replaced": "files.replaced"}.get(function.id, "")
    if not (isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name)):
        return ""
    module = function.value.id
    return f"{module}.{function.attr}" if function.attr in BY_PATH.get(module, ()) else ""


def by_descriptor(node: ast.Call) -> bool:
    """Tell whether a call acts on what is open, or on a name within it."""
    for keyword in node.keywords:
        if keyword.arg in ("dir_fd", "src_dir_fd", "directory"):
            return not (isinstance(keyword.value, ast.Constant) and keyword.value.value is None)
    first = node.args[0] if node.args else None
    if isinstance(first, ast.Name):
        return first.id in DESCRIPTORS
    return isinstance(first, ast.Call) and isinstance(first.func, ast.Attribute) and first.func.attr == "fileno"


def holds_rights(item: ast.withitem) -> bool:
    """Tell whether a block is entered as a user."""
    call = item.context_expr
    if not isinstance(call, ast.Call) or not call.args or isinstance(call.args[0], ast.Constant):
        return False
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name in AS_USER


def outside(tree: ast.AST, function: str = "") -> Iterator[tuple[str, ast.Call]]:
    """Give each call that is not within a block that holds a user's rights, with the function that it is in."""
    if isinstance(tree, ast.With):
        for item in tree.items:
            if holds_rights(item):
                return
            yield from outside(item, function)
    for node in tree.body if isinstance(tree, ast.With) else ast.iter_child_nodes(tree):
        inner = function
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            inner = f"{function}.{node.name}" if function else node.name
        if isinstance(node, ast.Call):
            yield inner, node
        yield from outside(node, inner)


def found(tree: ast.AST) -> dict[str, str]:
    """Give the calls by path of each function, sorted, as the list has them."""
    by_function: dict[str, list[str]] = {}
    for function, node in outside(tree):
        name = called(node)
        if name and not by_descriptor(node):
            by_function.setdefault(function, []).append(name)
    return {function: " ".join(sorted(names)) for function, names in by_function.items()}


def name_of(path: Path) -> str:
    return str(path.relative_to(sources.PLUGINS))


@pytest.mark.parametrize("path", scanned(), ids=name_of)
def test_root_goes_nowhere_by_path(path: Path) -> None:
    allowed = {function: names for function, (names, _why) in ALLOWED.get(name_of(path), {}).items()}
    assert found(sources.tree(path)) == allowed, __doc__


def test_the_list_is_about_files_that_there_are() -> None:
    assert set(ALLOWED) <= {name_of(path) for path in scanned()}


def test_who_relies_on_the_rights_of_callers_gets_them() -> None:
    """A function that goes by path since its callers hold the owner's rights is called by nobody else."""
    relying = {
        (file, function) for file, entries in ALLOWED.items() for function, entry in entries.items() if CALLERS in entry
    }
    relying |= {place for place, why in VOUCHED.items() if why == CALLERS}
    names = {function for _file, function in relying if "." not in function}
    wrong = []
    for path in scanned():
        own = {node.name for node in sources.nodes(path) if isinstance(node, ast.FunctionDef)}
        others = {name for name in own if (name_of(path), name) not in relying}
        for function, node in outside(sources.tree(path)):
            called_name = node.func.id if isinstance(node.func, ast.Name) else ""
            if called_name in names - others and (name_of(path), function) not in relying | set(VOUCHED):
                wrong.append((name_of(path), function, called_name))
    assert not wrong, wrong


@pytest.mark.parametrize("path", scanned(), ids=name_of)
def test_no_paths_as_objects(path: Path) -> None:
    """What pathlib does to files is not seen here."""
    assert "pathlib" not in {name for name, _line in sources.imports(path)}


@pytest.mark.parametrize("path", sources.files("plugins/**/*.py"), ids=name_of)
def test_whatever_is_made_is_new_and_no_link(path: Path) -> None:
    """O_CREAT alone opens what somebody has put there; no file of ours is left to a child either."""
    for node in sources.nodes(path):
        if not (isinstance(node, ast.Call) and called(node) == "os.open" and path.name not in MAY_BE_THERE):
            continue
        flags = {item.attr for item in ast.walk(node) if isinstance(item, ast.Attribute)} | _assigned(path, node)
        if "O_CREAT" in flags:
            assert flags >= {"O_EXCL", "O_NOFOLLOW", "O_CLOEXEC"}, f"{name_of(path)}:{node.lineno}"


def _assigned(path: Path, node: ast.Call) -> set[str]:
    """Give the flags of a variable called ``flags`` that is assigned shortly before."""
    if not any(isinstance(item, ast.Name) and item.id == "flags" for item in node.args):
        return set()
    before = [
        item
        for item in sources.nodes(path)
        if isinstance(item, ast.Assign) and item.lineno < node.lineno and ast.unparse(item.targets[0]) == "flags"
    ]
    return {item.attr for item in ast.walk(before[-1]) if isinstance(item, ast.Attribute)} if before else set()


@pytest.mark.parametrize("path", scanned(), ids=name_of)
def test_new_files_are_made_in_one_place(path: Path) -> None:
    exclusive = [
        node.lineno for node in sources.nodes(path) if isinstance(node, ast.Attribute) and node.attr == "O_EXCL"
    ]
    # _compiled comes before all others, so that these are kept too.
    makers = ("module_utils/_host/files.py", "module_utils/_host/openat.py", "module_utils/_compiled.py")
    assert not exclusive or name_of(path) in makers


@pytest.mark.parametrize(
    "text",
    [
        "def f(path):\n    created(path)",
        "def f(path):\n    with files.replaced(path):\n        pass",
        "def f(path):\n    open(path)",
        "def f(path):\n    os.chown(path, 0, 0)",
        "def f(path):\n    with open(path) as a, acting_as(user):\n        pass",
        "def f(path):\n    with acting_as(None):\n        os.unlink(path)",
        "def f(path):\n    os.rename(path, path, dst_dir_fd=1)",
        "def f(path):\n    os.open(path, 0, dir_fd=None)",
        "def f(path):\n    with contextlib.suppress(OSError):\n        shutil.copyfile(path, path)",
        "class C:\n    def f(self, path):\n        return [os.listdir(path)]",
    ],
)
def test_what_is_found(text: str) -> None:
    assert found(ast.parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "def f(path):\n    with acting_as(user):\n        open(path)",
        "def f(path):\n    with acting_as(user), open(path) as a:\n        os.unlink(path)",
        "def f(handle):\n    os.listdir(handle)",
        "def f(stream):\n    os.utime(stream.fileno(), ns=(1, 2))",
        "def f(handle):\n    os.open('x', 0, dir_fd=handle)",
        "def f(handle):\n    files.created('x', directory=handle)",
        "def f(text):\n    text.replace('a', 'b')",
    ],
)
def test_what_is_fine(text: str) -> None:
    assert found(ast.parse(text)) == {}
