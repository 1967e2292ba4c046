# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The site's live writer: one row per beat, and a log of the rows that the database has acknowledged."""

import os
import signal
import socket
import time
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.utils import timezone

from shop.models import Heartbeat


class Command(BaseCommand):
    """``manage.py worker --every 0.2``: runs until SIGTERM."""

    help = "Write a heartbeat row again and again."
    stopping = False

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument("--every", type=float, default=0.2, metavar="SECONDS")
        parser.add_argument("--log", default=str(Path(settings.VAR_DIR, "heartbeats.log")), metavar="FILE")

    def handle(self, *args, every, log, **options):
        """Loop. A lost connection is tried again, as workers do: a row is logged only after its commit."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        with open(log, "a", encoding="ascii") as acknowledged:
            while not self.stopping:
                try:
                    beat = Heartbeat.objects.create(host=socket.gethostname(), beat_at=timezone.now())
                except DatabaseError as error:
                    self.stderr.write(f"worker: {type(error).__name__}, trying again")
                    connection.close()
                else:
                    acknowledged.write(f"{beat.pk}\n")
                    acknowledged.flush()
                    os.fsync(acknowledged.fileno())
                time.sleep(every)

    def stop(self, number, frame):
        """End after the beat under way."""
        self.stopping = True
