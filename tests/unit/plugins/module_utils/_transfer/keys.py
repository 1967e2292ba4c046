# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key, and its line in authorized_keys."""

from __future__ import annotations

from ansible_collections.relocate.django.plugins.module_utils._transfer import grant

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPupke3RZXedF6E7f/wbB3EEmKHQY5Mz7+2SkJ/dQLJP"
COMMAND = ["/usr/bin/rsync", "--server", "--daemon", "--config=/var/lib/relocate/transfer/shop.conf", "."]
LINE = grant.key_line("shop", KEY, ["192.0.2.7", "2001:db8::7"], COMMAND, "202611211930")
