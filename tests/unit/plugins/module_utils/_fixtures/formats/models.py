# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One model with a field of each kind, and models that refer to each other."""

from __future__ import annotations

from typing import Any

from django.db import models


class Labels(models.Manager):  # type: ignore[type-arg]
    """Finds labels by their names."""

    def get_by_natural_key(self, name: str, part: str) -> Any:
        """Give the label."""
        return self.get(name=name, part=part)


class Label(models.Model):
    """What has a natural key of two parts."""

    name = models.CharField(max_length=200)
    part = models.CharField(max_length=200, blank=True)

    objects = Labels()

    class Meta:
        app_label = "formats"

    def natural_key(self) -> tuple[str, str]:
        """Give both parts."""
        return (self.name, self.part)


class Thing(models.Model):
    """A field of each kind."""

    word = models.CharField(max_length=200, primary_key=True)
    text = models.TextField(null=True)
    number = models.BigIntegerField(null=True)
    small = models.PositiveSmallIntegerField(null=True)
    flag = models.BooleanField(null=True)
    ratio = models.FloatField(null=True)
    amount = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    day = models.DateField(null=True)
    clock = models.TimeField(null=True)
    moment = models.DateTimeField(null=True)
    span = models.DurationField(null=True)
    blob = models.BinaryField(null=True)
    code = models.UUIDField(null=True)
    data = models.JSONField(null=True)
    address = models.GenericIPAddressField(null=True)
    label = models.ForeignKey(Label, null=True, on_delete=models.CASCADE, related_name="things")
    labels = models.ManyToManyField(Label)
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE)

    class Meta:
        app_label = "formats"


class Piece(models.Model):
    """A key of two columns, one of which refers to another model, and a reference of its own."""

    pk = models.CompositePrimaryKey("label", "number")
    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="pieces")
    number = models.IntegerField()
    text = models.CharField(max_length=20, blank=True)
    thing = models.ForeignKey(Thing, null=True, on_delete=models.CASCADE)

    class Meta:
        app_label = "formats"


class Weight(models.FloatField):  # type: ignore[type-arg]
    """Words that say more than the number, and that nobody reads back."""

    def value_to_string(self, obj: Any) -> str:
        """Give the number and its unit."""
        return f"{self.value_from_object(obj)} kg"


class Reversed(models.CharField):  # type: ignore[type-arg]
    """Stored the other way round."""

    def from_db_value(self, value: str | None, _expression: Any, _connection: Any) -> str | None:
        """Turn it back."""
        return None if value is None else value[::-1]

    def get_prep_value(self, value: Any) -> str | None:
        """Turn it round."""
        return None if value is None else str(value)[::-1]


class Words(models.TextField):  # type: ignore[type-arg]
    """A list, written as JSON; an object that JSON has no words for where told so."""

    def from_db_value(self, value: str | None, _expression: Any, _connection: Any) -> Any:
        """Read the list."""
        return self.to_python(value)

    def to_python(self, value: Any) -> Any:
        """Read the list, unless it is one."""
        return value.split() if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        """Write the list."""
        return value if value is None or isinstance(value, str) else " ".join(value)

    def value_to_string(self, obj: Any) -> Any:
        """Give the list as it is, a set where it says so."""
        value = self.value_from_object(obj)
        return {1, 2} if value == ["unwritable"] else value


class Parcel(models.Model):
    """Fields of the project's own, one of which is the key."""

    name = Reversed(max_length=20, primary_key=True)
    weight = Weight(null=True)
    words = Words(null=True)
    within = models.ForeignKey("self", null=True, on_delete=models.CASCADE)

    class Meta:
        app_label = "formats"


class Nodes(models.Manager):  # type: ignore[type-arg]
    """Finds nodes by their names."""

    def get_by_natural_key(self, name: str) -> Any:
        """Give the node."""
        return self.get(name=name)


class Node(models.Model):
    """What refers to others of its kind, and to itself."""

    name = models.CharField(max_length=20, unique=True)
    twin = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="twins")
    friends = models.ManyToManyField("self", blank=True)

    objects = Nodes()

    class Meta:
        app_label = "formats"

    def natural_key(self) -> tuple[str]:
        """Give the name."""
        return (self.name,)
