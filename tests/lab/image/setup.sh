# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs once per image inside the new root file system: sh setup.sh
set -eu

useradd --create-home --shell /bin/bash admin

sed -i -e 's/^# *\(en_US.UTF-8 UTF-8\)/\1/' -e 's/^# *\(de_DE.UTF-8 UTF-8\)/\1/' /etc/locale.gen
locale-gen
echo LANG=en_US.UTF-8 > /etc/default/locale

# The package made its cluster with the builder's locale; servers have a real one, whose collation has a version.
# Its data go again: lab-first-boot fills the directory, so that no two hosts share a system identifier.
version=$(ls /etc/postgresql)
pg_dropcluster "$version" main
pg_createcluster --locale en_US.UTF-8 --encoding UTF8 "$version" main
find "/var/lib/postgresql/$version/main" -mindepth 1 -delete

rm -f /etc/ssh/ssh_host_*
# Empty, not missing: systemd fills it on the first start, with another one on each host.
: > /etc/machine-id
chmod 0755 /usr/local/sbin/lab-first-boot
systemctl enable lab-first-boot.service
# To save memory and seconds; a test that needs it calls enable_mariadb().
systemctl disable mariadb.service
# What starts by itself would make two digests of an untouched host differ.
for timer in apt-daily apt-daily-upgrade dpkg-db-backup e2scrub_all fstrim logrotate systemd-tmpfiles-clean; do
    systemctl mask "$timer.timer"
done
