# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Do what the README says as somebody who has just cloned the repository: an ordinary user, with nothing set up.

Root makes a user for it, who is gone in the end; anybody else is that user himself. The commands are read out of the
README, so that it cannot promise what is not run here.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.tools import packed
from tests.tools.collection import ROOT, wanted

ACCOUNT = "relocate-readme"
#: What a page of the demonstration's site shows: the notes that `manage.py seed` makes.
PAGE = "<h1>notes: 5</h1>"
MOVED = ": MOVED; proven: rows, content, "
#: The commands that the README gives to users, each with what its output must hold.
PLAYBOOKS = {
    "discover": "Wrote found.yml",
    "move --check": "CHECKED: preflight found no obstacle",
    "rehearse_move": "REHEARSED: what was tried works on new; old was not stopped",
    "move": MOVED,
    "undo": " on old-host again. Data that new-host received stays in its databases and MEDIA",
}


class BrokenPromiseError(Exception):
    """The README promises something that is not so."""


@dataclass(frozen=True)
class Person:
    """Somebody at a shell: an account of this machine with a home directory that knows nothing of us."""

    home: Path
    account: str | None = None

    def argv(self, *argv: str | Path) -> list[str]:
        """Give the command line that runs a program as him."""
        words = [str(word) for word in argv]
        return ["runuser", "-u", self.account, "--", *words] if self.account else words

    def environment(self) -> dict[str, str]:
        """Give his environment: what this machine needs to reach the package index, and nothing of a run of ours."""
        ours = re.compile(r"ANSIBLE_|PYTEST_|PYTHON|VIRTUAL_ENV|MAKE|MFLAGS|RELOCATE_|GIT_DIR|XDG_|DJANGO_|PIP_CACHE")
        kept = {name: value for name, value in os.environ.items() if not ours.match(name)}
        path = [part for part in os.environ.get("PATH", "").split(":") if not part.startswith(str(ROOT))]
        name = self.account or os.environ.get("USER", "")
        return {**kept, "HOME": str(self.home), "USER": name, "LOGNAME": name, "PATH": ":".join(path)}

    def run(self, *argv: str | Path, cwd: Path | None = None, **variables: str) -> str:
        """Run a program to its end, shown as it goes; give what it said. Raises BrokenPromiseError when it fails."""
        print("$", " ".join(map(str, argv)), flush=True)
        process = subprocess.run(
            self.argv(*argv),
            cwd=cwd or self.home,
            env={**self.environment(), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if process.returncode:
            print(process.stdout, flush=True)
            raise BrokenPromiseError(f"{argv[0]} ended with {process.returncode}")
        return process.stdout


@contextlib.contextmanager
def somebody() -> Iterator[Person]:
    """Give a person with an empty home; root makes one, and removes the account and all that is his afterwards."""
    with tempfile.TemporaryDirectory(prefix="relocate-readme-", dir="/var/tmp", ignore_cleanup_errors=True) as base:
        os.chmod(base, 0o755)
        home = Path(base, "home")
        home.mkdir(mode=0o700)
        if os.geteuid() != 0:
            yield Person(home)
            return
        # An ordinary user, as whom a move may run code; not with a number that a user of the lab's hosts has, whose
        # processes this machine sees as its own.
        numbers = [f"{kind}_{end}" for kind in ("UID", "GID") for end in ("MIN=50000", "MAX=59999")]
        keys = [word for number in [*numbers, "SUB_UID_COUNT=0", "SUB_GID_COUNT=0"] for word in ("--key", number)]
        command = ["useradd", *keys, "--user-group", "--no-create-home", f"--home-dir={home}"]
        account = f"{ACCOUNT}-{os.getpid()}"
        subprocess.run([*command, "--shell=/bin/sh", account], check=True)
        try:
            shutil.chown(home, account, account)
            yield Person(home, account)
        finally:
            subprocess.run(["userdel", "--force", account], check=True)


def configure_pip(person: Person) -> None:
    """Let him reach the package index as the user of this machine does, where that is configured in a home."""
    theirs = Path.home() / ".config" / "pip" / "pip.conf"
    if theirs.is_file():
        put(person, person.home / ".config" / "pip" / "pip.conf", theirs.read_bytes())


def configure_ansible(person: Person) -> None:
    """Let his runs wait as docs/performance.md says, so that those of other tests get on beside them."""
    put(person, person.home / ".ansible.cfg", packed.SETTINGS.read_bytes())


def put(person: Person, path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file that is his, as him."""
    script = 'mkdir -p "$(dirname "$1")" && umask 077 && cat >"$1" && chmod "$2" "$1"'
    command = person.argv("sh", "-c", script, "sh", path, f"{mode:o}")
    subprocess.run(command, input=content, check=True, cwd="/", env=person.environment())


def clone(person: Person) -> Path:
    """Clone this repository for him, with what is not committed yet laid over it."""
    target, trust = person.home / "relocate.django", person.home.parent / "trust"
    # What git runs itself takes no safe.directory from the command line or from such variables.
    trust.write_text("[safe]\n\tdirectory = *\n")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": str(trust), "GIT_CONFIG_SYSTEM": "/dev/null"}
    made = person.home.parent / "clone"
    command = ["git", "clone", "--quiet", "--no-hardlinks", "--no-tags", str(ROOT), str(made)]
    subprocess.run(command, check=True, env=environment, stdin=subprocess.DEVNULL)
    there = subprocess.run(["git", "ls-files", "-z"], cwd=made, check=True, capture_output=True, env=environment).stdout
    names = wanted()
    for gone in {os.fsdecode(name) for name in there.split(b"\0") if name} - names:
        (made / gone).unlink()
    for name in names:
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, made / name, follow_symlinks=False)
    if person.account:
        subprocess.run(
            ["chown", "--recursive", "--no-dereference", f"{person.account}:{person.account}", str(made)], check=True
        )
    made.rename(target)
    return target


def find_python(person: Person) -> str:
    """Give a Python that he can run and that makes virtual environments; root's own may be in root's home."""
    code = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"
    names = [f"python3.{minor}" for minor in (11, 12, 13, 14)]
    found = [os.path.realpath(sys.executable), *(f"/usr/bin/{name}" for name in names), "python3", *names]
    for candidate in found:
        command = person.argv(candidate, "-c", code)
        if not subprocess.run(command, cwd="/", env=person.environment(), capture_output=True, check=False).returncode:
            return candidate
    raise BrokenPromiseError(
        "no Python 3.11 or later with the venv module that an ordinary user can run: install python3-venv"
    )


def promised(text: str) -> list[str]:
    """Give the commands that the README shows, in order, without what is said about them."""
    found = re.findall(r"(?m)^    ((?:make|ansible-galaxy|ansible-playbook) .*?)(?: +#.*)?$", text)
    return [" ".join(command.split()) for command in found]


def changes(output: str) -> dict[str, int]:
    """Give how many tasks changed something on each host; raises BrokenPromiseError when a play failed."""
    recap = output.rpartition("PLAY RECAP")[2]
    found = re.findall(r"(?m)^(\S+) +: ok=(\d+) +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", recap)
    hosts = {host: int(changed) for host, ok, changed, *bad in found if int(ok) and set(bad) == {"0"}}
    if len(hosts) != len(found) or not {"old-host", "new-host"} <= set(hosts):
        raise BrokenPromiseError("a play did not run on both hosts:\n" + recap[:1000])
    return hosts


def demand(condition: bool, what: str, output: str = "") -> None:
    """Raise BrokenPromiseError with the end of an output unless something holds."""
    if not condition:
        raise BrokenPromiseError(f"{what}\n{output[-6000:]}")


def look(person: Person, site: Path) -> str:
    """Give the front page of a site, served as him on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    argv = person.argv(site / ".venv/bin/python", "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}")
    with subprocess.Popen(
        argv,
        cwd=site,
        env=person.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            return _fetch(f"http://127.0.0.1:{port}/", time.monotonic() + 30)
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def _fetch(url: str, deadline: float) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            with opener.open(url, timeout=5) as answer:
                return str(answer.read().decode("utf-8"))
        except OSError as error:
            if time.monotonic() > deadline:
                raise BrokenPromiseError(f"{url} does not answer: {error}") from error
            time.sleep(0.2)


def demonstrate(person: Person, repository: Path, python: str) -> None:
    """`make demo`, twice: the first moves, the second changes nothing, and the page is there after both."""
    output = ""
    for first in (True, False):
        output = person.run("make", "--no-print-directory", "demo", f"PYTHON={python}", cwd=repository)
        demand("The new site answers with the data of its database" in output, "make demo says no such thing", output)
        demand(PAGE in look(person, repository / "build/demo/new/notes"), "the demonstration shows no notes", output)
        if first:
            demand(MOVED in output and sum(changes(output).values()) > 0, "make demo moved nothing", output)
    demand(set(changes(output).values()) == {0}, "make demo changes something the second time", output)


def inventory(shown: str, base: Path, repository: Path, python: Path) -> str:
    """Give the README's own inventory with what must differ where two directories stand for two servers."""
    found = yaml.safe_load(re.findall(r"(?ms)^```yaml\n(.*?)^```", shown)[0])["all"]
    old = repository / "build/demo/old/notes"
    local = {
        "ansible_connection": "local",
        "ansible_python_interpreter": str(python),
        "relocate_become": False,
        "relocate_install": False,
        "relocate_allow_same_host": True,
        "relocate_compression": "none",
        "relocate_python": str(python),
        # Nobody but root has units, and a web server.
        "relocate_allow_unfrozen": True,
        "relocate_services": [],
        "relocate_reload": [],
        "relocate_answers": [],
        # Of the README's files those that an ordinary user has: its env file, which the settings read.
        "relocate_files": [name for name in found["vars"]["relocate_files"] if not name.startswith("/")],
    }
    for side, path in (("old", old), ("new", base / "new" / "notes")):
        own = {"relocate_path": str(path), "relocate_directory": str(base / side / "work")}
        found["children"][side] = {"hosts": {f"{side}-host": own}}
    return json.dumps({"all": {"vars": {**found["vars"], **local}, "children": found["children"]}}, indent=1)


def install(person: Person, repository: Path, bin_: Path) -> Path:
    """Build the archive and install it into a fresh directory; give that directory."""
    sources = repository / "build/collections/ansible_collections/relocate/django"
    person.run(bin_ / "ansible-galaxy", "collection", "build", "--output-path", person.home / "dist", sources)
    archive = max(Path(person.home, "dist").glob("relocate-django-*.tar.gz"))
    directory = person.home / "collections"
    person.run(bin_ / "ansible-galaxy", "collection", "install", archive, "--collections-path", directory)
    demand((directory / "ansible_collections/relocate/django/playbooks/move.yml").is_file(), "nothing was installed")
    return directory


def move_and_undo(person: Person, repository: Path, commands: list[str], text: str) -> None:
    """Run the README's commands with the installed collection: each does what it says, and again changes nothing."""
    bin_ = repository / "build/venv/bin"
    work, base = person.home / "work", person.home / "hosts"
    old, new = repository / "build/demo/old/notes", base / "new" / "notes"
    put(person, old / ".env", b"SECRET_KEY=of-the-old-site\n")
    put(person, work / "inventory.yml", inventory(text, base, repository, bin_ / "python").encode())
    collections = {"ANSIBLE_COLLECTIONS_PATH": str(install(person, repository, bin_)), "ANSIBLE_NOCOLOR": "1"}
    for command, name in zip(commands, PLAYBOOKS, strict=True):
        program, *arguments = command.split()
        if name == "discover":  # two directories stand for the two servers, and an inventory is there
            arguments = [arguments[0], "-i", "inventory.yml", "-e", "relocate_inventory_file=found.yml"]
        output = person.run(bin_ / program, *arguments, cwd=work, **collections)
        demand(PLAYBOOKS[name] in output, f"{name} does not say {PLAYBOOKS[name]!r}", output)
        counted = changes(output)
        if name == "move --check":
            # A directory of our own may be there: who is not root keeps secrets below it meanwhile.
            made = [str(path) for path in (base / "new").rglob("*") if not path.is_dir()]
            demand(made == [] and not new.exists(), f"--check made something on new: {made}")
            continue
        if name in ("discover", "rehearse_move"):
            demand(not (base / "new" / "work" / "sets" / "site").exists(), f"{name} left a set on new")
            continue
        demand(name != "move" or sum(counted.values()) > 0, "move changed nothing", output)
        demand(PAGE in look(person, new), f"{name}: the new site shows no notes")
        demand((new / ".env").read_bytes() == (old / ".env").read_bytes(), f"{name}: the env file has not come along")
        output = person.run(bin_ / program, *arguments, cwd=work, **collections)
        demand(set(changes(output).values()) == {0}, f"{name} changes something the second time", output)
    demand(PAGE in look(person, old), "the old site shows no notes after undo")


def main() -> int:
    """Do all that the README says."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = promised(text)
    moves = [command for command in commands if command.startswith("ansible-playbook ")]
    expected = ["make demo", "ansible-galaxy collection install relocate.django", *moves]
    known = r"ansible-playbook relocate\.django\.(\w+) -i (?:inventory\.yml|old\.example\.org,new\.example\.org)"
    names = [re.sub(known, r"\1", move) for move in moves]
    try:
        demand(commands == expected and names == list(PLAYBOOKS), f"the README shows other commands: {commands}")
        with somebody() as person:
            start = time.monotonic()
            configure_pip(person)
            configure_ansible(person)
            repository = clone(person)
            demonstrate(person, repository, find_python(person))
            print(f"readme: make demo, twice: {time.monotonic() - start:.1f} s", flush=True)
            start = time.monotonic()
            move_and_undo(person, repository, moves, text)
            print(f"readme: install, move and undo, twice: {time.monotonic() - start:.1f} s", flush=True)
    except BrokenPromiseError as error:
        print(f"readme: {error}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
