# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand in for pip's get-pip.py: the pip that comes with Python, then what was asked for.

In a subprocess, since a process that has imported ensurepip makes pip ignore its configuration.
"""

import subprocess
import sys

LEFT_OUT = ("--no-setuptools", "--no-wheel")

if __name__ == "__main__":
    subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"])
    options = [option for option in sys.argv[1:] if option not in LEFT_OUT]
    sys.exit(subprocess.call([sys.executable, "-m", "pip", "install"] + options))
