# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the site that holds what a clone must not."""

import os
import sys

import environ

if __name__ == "__main__":
    environ.Env.read_env(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".env"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "people.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
