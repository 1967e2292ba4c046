# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs once per image inside the new root file system: sh setup.sh
set -eu

useradd --create-home --shell /bin/bash admin

# What must not be shared by two hosts.
rm -f /etc/ssh/ssh_host_*
: > /etc/machine-id
systemctl enable lab-first-boot.service
for timer in apt-daily apt-daily-upgrade dpkg-db-backup e2scrub_all fstrim systemd-tmpfiles-clean; do
    systemctl mask "$timer.timer"
done
