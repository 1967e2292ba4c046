# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the callback phases shows of a run, and what it leaves out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit import sources

BUILD = sources.ROOT / "build"

PLAY = """
- name: Say nothing here
  hosts: all
  gather_facts: false
  tasks:
    - name: Settle something
      ansible.builtin.set_fact: {unseen: 1}

- name: Work
  hosts: all
  gather_facts: false
  strategy: "{{ strategy | default('linear') }}"
  tasks:
    - name: Each site
      ansible.builtin.include_tasks: site.yml
      loop: [{name: shop, password: geheim}, {name: blog, password: geheim}]
      loop_control: {loop_var: site, label: "{{ site.name }}"}
    - name: Say something
      ansible.builtin.debug: {msg: said as it is}
      run_once: true
    - name: Warn
      ansible.builtin.command: {argv: ["true"], chdir: /}
      changed_when: false
    - name: Give up
      ansible.builtin.fail: {msg: the last word}
"""
SITE = """
- name: Look
  ansible.builtin.include_tasks: look.yml
- name: Nothing in here is of interest
  ansible.builtin.include_tasks: nothing.yml
"""
LOOK = """
- name: Look fast
  ansible.builtin.command: {argv: ["true"]}
  changed_when: false
- name: Look for long
  ansible.builtin.command: {argv: [sleep, "2.2"]}
  changed_when: false
  when: site.name == 'shop'
- name: Change it
  ansible.builtin.command: {argv: ["true"]}
  changed_when: site.name == 'shop'
- name: Keep a secret
  ansible.builtin.command: {argv: [echo, "{{ site.password }}"]}
  changed_when: true
  no_log: true
- name: Be refused without a matter
  relocate.django.interpreter: {path: /nowhere/bin/python}
  ignore_errors: true # noqa: ignore-errors
  when: site.name == 'shop'
- name: Try
  when: site.name == 'blog'
  block:
    - name: Be refused
      relocate.django.interpreter: {path: /nowhere/bin/python, version: "1.0", owner: nobody}
  rescue:
    - name: Go on
      ansible.builtin.set_fact: {unseen: 2}
"""
BELOW, REFUSED = "      [new1] ", "      [new1] Be refused: FAILED: [bad_option] missing required arguments"
NOTHING = """
- name: Left out
  ansible.builtin.command: {argv: ["true"]}
  when: false
- name: Settle something else
  ansible.builtin.set_fact: {unseen: 3}
"""


def shown(programs: Path, tmp_path: Path, *options: str) -> str:
    """Return what a run prints."""
    if not (programs / "ansible-playbook").exists():
        pytest.skip("this version of ansible-core is not installed")
    for name, text in {"play": PLAY, "site": SITE, "look": LOOK, "nothing": NOTHING}.items():
        (tmp_path / f"{name}.yml").write_text(text)
    hosts = "".join(f"{name} ansible_connection=local\n" for name in ("new1", "new2"))
    (tmp_path / "inventory").write_text(hosts)
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(BUILD / "collections"),
        "ANSIBLE_HOME": str(tmp_path / "home"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_STDOUT_CALLBACK": "relocate.django.phases",
    }
    argv = [str(programs / "ansible-playbook"), "-i", "inventory", "play.yml", *options]
    done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "geheim" not in done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("programs", ["venv-2.18", "venv", "venv-2.21"])
def test_phases_and_what_happened_in_them(programs: str, tmp_path: Path) -> None:
    said = shown(BUILD / programs / "bin", tmp_path)
    lines = [line.rstrip() for line in said.splitlines()]
    assert not [line for line in lines if line.startswith(("TASK", "PLAY ["))], said
    for unseen in ("Say nothing here", "Look fast", "Left out", "of interest", "Settle", "Go on", "included:"):
        assert unseen not in said, unseen
    at = 0
    for text in ("Work ****", "Each site: shop", "  Look", f"{BELOW}Look for long: ", f"{BELOW}Change it: changed, "):
        at = next(number for number, line in enumerate(lines) if number >= at and line.startswith(text))
    assert lines[at + 1 :].index("Each site: blog") < next(
        i for i, line in enumerate(lines[at + 1 :]) if REFUSED in line
    )
    assert lines.count("  Look") == 2 and said.count("...ignoring") == 2, said
    assert said.count("Change it") == 2 and "said as it is" in said and "the last word" in said


def test_hosts_that_go_on_by_themselves_have_headings_of_their_own(tmp_path: Path) -> None:
    lines = shown(BUILD / "venv" / "bin", tmp_path, "-e", "strategy=free").splitlines()
    for host in ("new1", "new2"):
        own = [line for line in lines if f"[{host}]" in line]
        assert own[0] == f"[{host}] Each site: shop > Look"
        assert own[1].startswith(f"  [{host}] Look for long: ")
        assert f"[{host}] Each site: blog > Look" in own


def test_more_words_are_those_of_the_default_callback(tmp_path: Path) -> None:
    said = shown(BUILD / "venv" / "bin", tmp_path, "-v")
    assert "TASK [Look fast]" in said and "PLAY [Work]" in said and "skipping: [new1]" in said
