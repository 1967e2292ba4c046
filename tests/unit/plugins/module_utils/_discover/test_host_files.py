# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that no site brings along, whoever names them."""

from __future__ import annotations

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover.host_files import is_of_the_host

OF_THE_HOST = """/etc/passwd /etc/shadow /etc/shadow- /etc/group /etc/gshadow /etc/subuid /etc/subgid /etc/fstab
    /etc/crypttab /etc/hostname /etc/hosts /etc/machine-id /etc/sudoers /etc/sudoers.d/shop /etc/doas.conf
    /etc/resolv.conf /etc/ssh/ssh_host_rsa_key /etc/ssh /etc/pam.d/login /etc/security/limits.conf
    /etc/netplan/a.yaml /etc/apt/sources.list /etc/yum.repos.d/a.repo /boot/grub/grub.cfg /proc/1/environ /sys/a
    /dev/sda /root/.ssh/id_rsa /root //etc/shadow /etc//shadow /etc/ssl/../shadow /etc/./ssh/x""".split()
OF_SITES = """/etc/shop/shadow /etc/default/shop /etc/ssl/private/shop.key /etc/mysql/debian.cnf /srv/etc/passwd
    /etc/passwd.d/x /etc/sshx/a /rooted/a /devel/a /etc/hosts.allow /etc/systemd/system/shop.service
    /etc/nginx/sites-enabled/shop relative etc/passwd""".split()


@pytest.mark.parametrize(
    ("path", "is_it"), [*((path, True) for path in OF_THE_HOST), *((path, False) for path in OF_SITES)]
)
def test_files_of_the_host(path: str, is_it: bool) -> None:
    assert is_of_the_host(path) is is_it
