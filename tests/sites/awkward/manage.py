#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Django's command line for the awkward site."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "awkward.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
