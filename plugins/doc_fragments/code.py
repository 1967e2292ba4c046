# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options: what holds the project's code."""

    DOCUMENTATION = r"""
options:
  vcs:
    description:
      - What holds the project's code.
      - With V(hg) (Mercurial), a bundle of the whole repository travels, as with V(git).
      - With V(svn) (Subversion), which has no bundle, the working copy travels as an archive. It stays a working copy.
      - With V(none), the tree travels as an archive. All below O(path) belongs to it but MEDIA_ROOT, STATIC_ROOT, the
        virtual environment, database files, logs, sockets, caches, our own files, and what O(files) and
        O(files_ignored) name. A sha256 over names, modes and contents stands for its revision.
    type: str
    choices: [git, hg, svn, none]
    default: git
"""
