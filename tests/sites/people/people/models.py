# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""People, in the ways in which projects hold them."""

import uuid

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models


class Member(AbstractBaseUser):
    """A user who logs in by address."""

    email = models.EmailField(unique=True)
    second = models.EmailField(max_length=40, null=True, blank=True, unique=True)
    USERNAME_FIELD = "email"


class Named(AbstractBaseUser):
    """A user of whom some log in by address."""

    login = models.CharField(max_length=60, unique=True)
    USERNAME_FIELD = "login"


class Subscriber(models.Model):
    """One whose key tells nothing."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    address = models.EmailField(unique=True)


class Device(models.Model):
    """What cannot be without a token."""

    token = models.ForeignKey("authtoken.Token", models.CASCADE)
    name = models.CharField(max_length=20)


class Note(models.Model):
    """Free text, of which no rule knows anything."""

    token = models.ForeignKey("authtoken.Token", models.SET_NULL, null=True)
    text = models.TextField()
    raw = models.BinaryField(default=b"")
    api_key = models.CharField(max_length=20, blank=True)
