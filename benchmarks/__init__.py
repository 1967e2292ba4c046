# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the move costs, measured beside doing it by hand, in one run on the same two hosts."""
