# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the keys of a site's record hold: how each value is read and written, and the objects among them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Callable, Dict, Mapping, Optional, Tuple, Type, TypeVar

Value = TypeVar("Value")
Reader = Callable[[Any], Any]


# --- how a value is read; each raises ValueError for one of another kind


def _of(*kinds: type) -> Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise ValueError(type(value).__name__)
        return value

    return read


text, flag, number, whole, plain = _of(str), _of(bool), _of(int, float), _of(int), _of(dict)


def list_of(read: Reader) -> Reader:
    """A list of equal things."""
    return lambda value: tuple(read(item) for item in _of(list)(value))


def read_object(kind: Type[Value], value: Any) -> Value:
    """An object of which an older version may have noted less, and another one more."""
    known = {one.name: one.metadata["read"] for one in fields(kind)}  # type: ignore[arg-type]
    given = {name: item for name, item in plain(value).items() if name in known and item is not None}
    return kind(**{name: known[name](item) for name, item in given.items()})


def written(value: Any) -> Any:
    """A value as JSON takes it; of an object, what differs from the default."""
    if hasattr(value, "__dataclass_fields__"):
        blank = type(value)()
        held = {one.name: getattr(value, one.name) for one in fields(value)}
        return {name: written(item) for name, item in held.items() if item != getattr(blank, name)}
    if isinstance(value, Mapping):
        return {name: written(item) for name, item in value.items()}
    return [written(item) for item in value] if isinstance(value, (list, tuple)) else value


# --- how a key is declared


def key(meaning: str, read: Reader = text, default: Any = "", of: Optional[type] = None) -> Any:
    """A key with its meaning.

    :param of: the class of the objects that it holds
    """
    return field(default=default, metadata={"meaning": meaning, "read": read, "of": of})  # pylint: disable=invalid-field-call


def object_key(meaning: str, kind: type) -> Any:
    """A key that holds one object, or None: an empty one says nothing."""
    return key(meaning, lambda value: read_object(kind, value) if value else None, None, kind)


def by_name(meaning: str, read: Reader, of: Optional[type] = None) -> Any:
    """A key that holds one value for each name."""

    def each(value: Any) -> Any:
        return {text(name): read(item) for name, item in plain(value).items()}

    return field(default_factory=dict, metadata={"meaning": meaning, "read": each, "of": of})  # pylint: disable=invalid-field-call


def objects_by_name(meaning: str, kind: type) -> Any:
    """A key that holds one object for each name."""
    return by_name(meaning, lambda value: read_object(kind, value), kind)


# --- the objects


@dataclass(frozen=True)
class Event:
    """What happened to the site, by which set and which run."""

    label: str = key("the backup set")
    run: str = key("the run")
    at: float = key("when, in seconds since 1970", number, 0)


@dataclass(frozen=True)
class UnitBefore:
    """How a unit was before it was stopped."""

    name: str = key("the unit")
    active: bool = key("whether it ran", flag, False)
    enabled: bool = key("whether it started at boot", flag, False)
    source: str = key("where the file lies that it was linked from")


@dataclass(frozen=True)
class Freeze:
    """How the site's units were before a run stopped them."""

    label: str = key("the backup set that the site was frozen for")
    run: str = key("the run that froze it")
    at: float = key("when, in seconds since 1970", number, 0)
    boot: str = key("which start of the host that was")
    monotonic: int = key("the same moment by the clock of systemd, in microseconds", whole, 0)
    limit: int = key("seconds until a timer starts the site again; 0 when there is none", whole, 0)
    units: Tuple[UnitBefore, ...] = key(
        "how each unit was before", list_of(lambda value: read_object(UnitBefore, value)), ()
    )
    held: bool = key("new is about to serve, so neither the timer nor a reboot starts the site", flag, False)
    earlier: Optional[Freeze] = key(
        "the freeze before that, when the site had been retired by it", lambda value: read_object(Freeze, value), None
    )

    def is_of(self, label: str, run: str) -> bool:
        """Tell whether it was made for this set, by this run; an empty one of the two is not compared."""
        return label in ("", self.label) and run in ("", self.run)

    def before(self, all_of_it: bool = False) -> Dict[str, UnitBefore]:
        """Return how each unit was, by name; with ``all_of_it`` before the site was retired too."""
        known = {item.name: item for item in self.units}
        for item in self.earlier.units if all_of_it and self.earlier else ():
            own = known.get(item.name, item)
            known[item.name] = UnitBefore(
                item.name, own.active or item.active, own.enabled or item.enabled, own.source or item.source
            )
        return known


@dataclass(frozen=True)
class Begun:
    """A swap that was begun: what tells a later run which database is which."""

    digest: str = key("of the manifest of the set that incoming came from")
    aside: str = key("what live becomes; no database of that name existed yet")
    method: str = key("how content is fingerprinted")
    state: str = key("digest of what incoming was found to hold")
    place: str = key("the database that the settings named")
    converted: Optional[Mapping[str, Any]] = key(
        "what it was found to hold, when it came from another engine and no set tells it", plain, None
    )


@dataclass(frozen=True)
class Migrated:
    """Migrations that were begun or applied."""

    state: str = key("`begun` or `applied`")
    states: Mapping[str, Mapping[str, Any]] = by_name("alias -> what each database held afterwards", plain)


@dataclass(frozen=True)
class Marks:
    """Signs of what frozen databases held when they were dumped."""

    label: str = key("the backup set")
    aliases: Mapping[str, Any] = by_name("alias -> the sign (`Engine.change_token`)", lambda value: value)


@dataclass(frozen=True)
class Proof:
    """A set that was restored, or rehearsed, and found equal."""

    digest: str = key("of its manifest")
    at: float = key("when, in seconds since 1970", number, 0)


@dataclass(frozen=True)
class Media:
    """MEDIA_ROOT, as a move or a restore filled it."""

    path: str = key("the directory")
    foreign: bool = key("it held files that did not come from old", flag, False)
    given: Tuple[int, ...] = key("numbers of the users whom files in it were given to", list_of(whole), ())


@dataclass(frozen=True)
class Grant:
    """The one-time key of a transfer, let in on this host."""

    login: str = key("the user whose key file holds it")
    path: str = key("that file")
    made: str = key("what we made for it: `file`, or `directory` for both")


@dataclass(frozen=True)
class Upgrade:
    """A switch of the site to another revision on its own host, and all that the way back needs."""

    state: str = key("`begun`, or `done` once it serves: then the way back is open until the next one")
    label: str = key("the backup set that the databases were copied by")
    before: str = key("the revision that the site ran")
    branch: str = key("the branch that it was on; empty when its HEAD was detached")
    after: str = key("the revision that it was switched to")
    top: str = key("the top of its checkout")
    owner: str = key("the project's owner")
    venv: str = key("the path of the virtual environment, as units name it")
    kept: str = key("what that path was: `.NAME.relocate-before` for the directory itself, else a link's target")
    built: str = key("the environment of the new revision: a name beside that path")
    marks: Mapping[str, Any] = by_name("alias -> sign, method and digest of what it held before it served", plain)
    noted: Mapping[str, Any] = by_name("keys of this record as they were", lambda value: value)


@dataclass(frozen=True)
class Forward:
    """What sends visitors who still come to this host on to new."""

    to: str = key("new's IP address")
    at: float = key("since when, in seconds since 1970", number, 0)
    server: str = key("the unit of the web server that does it; empty where systemd does")
    files: Mapping[str, str] = by_name("path -> what we wrote there", text)
    sockets: Tuple[str, ...] = key("units of systemd that listen in the site's place", list_of(text), ())
