# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs once per image inside the new root file system: sh setup.sh
set -eu

useradd --create-home --shell /bin/bash admin
useradd --system --home-dir /srv/git --create-home --shell /bin/sh git

sed -i -e 's/^# *\(en_US.UTF-8 UTF-8\)/\1/' /etc/locale.gen
locale-gen
echo LANG=en_US.UTF-8 > /etc/default/locale

# What must not be shared by two hosts: lab-init makes them anew, mysqld the certificates.
rm -f /etc/ssh/ssh_host_* /var/lib/mysql/auto.cnf /var/lib/mysql/*.pem
: > /etc/machine-id
chmod 0755 /usr/local/sbin/lab-init
