# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Masks objects on their way into a fixture, by the rules that clones are sanitised by; the database stays as it is.

What a natural key is made of is masked too, wherever the project's own code reads it: each instance is, as soon as it
has been read. The same row gets the same address each time, so references by natural keys still meet.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_own_words, venv_values
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_references import concrete
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError
from ansible_collections.relocate.django.plugins.module_utils._project import (
    venv_sanitise_rows,
    venv_sanitise_rules,
    venv_sanitise_search,
)

_SHORT = 8  # characters of a value that is searched for by itself; shorter ones are words that others use too
_SECRET = 16  # characters of a value that is no address, and that nobody writes by chance
_BEGINNING = 4  # characters that such values are found by
_MASKED, _SET = "masked", "set"
Found = Dict[Tuple[str, str, str], int]


class _Change(NamedTuple):
    """Says what becomes of a field of one model."""

    field: Any
    what: str
    new: Callable[[Any, Any], Any]  # of the row's plain key and the value that it has
    strict: Optional[bool]  # whether what was there may be nowhere (built-in rules); None: it is not looked for


class Masker:
    """Knows what becomes of each field, and what was there before."""

    def __init__(self, alias: str, rules: Dict[str, Any]) -> None:
        """Look at the rules: builtin, domain, columns. Raises FixtureError for columns that are not there."""
        self.counts: Dict[str, Dict[str, int]] = {}
        self.originals = Originals()
        self._builtin = rules["builtin"]
        try:
            self._rows = venv_sanitise_rows.Rows(alias, rules["domain"])
            venv_sanitise_rows.refuse_unknown(rules["columns"], [self._rows])
            named = [(self._rows.field_of(*name.rpartition(".")[::2]), how) for name, how in rules["columns"].items()]
        except venv_sanitise_rows.RefusedError as refused:
            raise FixtureError(refused.told["code"], refused.told["msg"], refused.told["hint"]) from None
        self._named = {(concrete(field.model), field.name): (field, how) for field, how in named}
        self._changes: Dict[Any, List[_Change]] = {}

    def gone(self) -> List[Any]:
        """Return the models whose objects are left out: sessions, tokens, and what cannot be without them."""
        return list(self._rows.emptied()) if self._builtin else []

    def columns(self) -> Dict[Any, List[str]]:
        """Return the names of the fields that are changed, by model."""
        found = {model: [change.field.name for change in self._of(model)] for model in self._rows.models}
        return {model: names for model, names in found.items() if names}

    def _of(self, model: Any) -> List[_Change]:
        if model not in self._changes:
            made = {change.field.name: change for change in self._by_rules(model)} if self._builtin else {}
            for (named, name), (field, how) in self._named.items():
                if named is model:
                    made[name] = _of_user(field, how)
            self._changes[model] = list(made.values())
        return self._changes[model]

    def _by_rules(self, model: Any) -> Iterator[_Change]:
        for name, value in venv_sanitise_rules.values(model).items():
            field = model._meta.get_field(name)
            if venv_sanitise_rules.is_set(field, venv_sanitise_rules.fitting(field, value)):
                yield _Change(field, _SET, _always(venv_sanitise_rules.fitting(field, value)), True)
        for field, addresses in venv_sanitise_rules.masked(model):
            yield _Change(field, _MASKED, _address(venv_sanitise_rules.Mask(field, addresses)), True)
        if self._rows.domain and venv_sanitise_rules.SITE in venv_sanitise_rules.classes(model):
            names = self._rows.site_names(model)
            for name in ("domain", "name"):
                yield _Change(model._meta.get_field(name), _SET, _of_site(names, name), None)

    def see(self, model: Any, key: Any, values: Dict[str, Any]) -> None:
        """Remember what is in a row before it is masked.

        :param values: plain, by the names of the fields
        """
        for change in self._of(model):
            old = values.get(change.field.name)
            if change.new(key, old) != old:
                self._remember(change, old)

    def _remember(self, change: _Change, old: Any) -> None:
        if change.strict is not None and venv_values.kind(change.field) == "text":
            self.originals.add(old, change.strict)

    def words(self, model: Any, key: Any, pairs: List[Tuple[Any, Any]]) -> List[Tuple[Any, Any]]:
        """Return fields and values of an object, masked, in the words of Django's formats."""
        changes = {change.field.name: change for change in self._of(model)}
        found = []
        for field, value in pairs:
            change = changes.get(field.name)
            new = value if change is None else change.new(key, value)
            if change is not None and new != value:
                counts = self.counts.setdefault(model._meta.db_table, {})
                counts[change.what] = counts.get(change.what, 0) + 1
                new = venv_own_words.of_value(field, new)
            found.append((field, new))
        return found

    def __enter__(self) -> "Masker":
        """Mask instances from now on."""
        from django.db.models.signals import post_init

        post_init.connect(self._mask, weak=False)
        return self

    def __exit__(self, *_error: Any) -> None:
        """Leave instances alone again."""
        from django.db.models.signals import post_init

        post_init.disconnect(self._mask)

    def _mask(self, instance: Any, **_more: Any) -> None:
        """Mask what was read of one row and of its parents'; attributes that are not read yet have no value here."""
        own = concrete(type(instance))
        for model in [own] + [concrete(parent) for parent in own._meta.get_parent_list()]:
            changes = self._of(model)
            key = _key_of(instance, model._meta.pk) if changes else None
            for change in changes if key is not None else ():
                name = change.field.attname
                if name in instance.__dict__:
                    old = instance.__dict__[name]
                    new = change.new(key, old)
                    if new != old:
                        self._remember(change, old)
                        setattr(instance, name, new)


def _key_of(instance: Any, pk: Any) -> Any:
    """The key of what was read, as far as it was; None for what has no row."""
    parts = [instance.__dict__.get(field.attname) for field in getattr(pk, "fields", [pk])]
    if any(part is None for part in parts):
        return None
    return parts[0] if len(parts) == 1 else tuple(parts)


def _always(value: Any) -> Callable[[Any, Any], Any]:
    return lambda _key, _old: value


def _address(mask: venv_sanitise_rules.Mask) -> Callable[[Any, Any], Any]:
    return lambda key, old: mask.address(key) if mask.takes(old) else old


def _of_site(names: Dict[Any, Dict[str, str]], name: str) -> Callable[[Any, Any], Any]:
    return lambda key, old: names.get(key, {}).get(name, old)


def _of_user(field: Any, how: str) -> _Change:
    if how == "mask":
        return _Change(field, _MASKED, _address(venv_sanitise_rules.Mask(field, False)), False)
    return _Change(field, _SET, _always(venv_sanitise_rules.nothing(field)), False)


class Originals:
    """The values that were masked, and where one of them, or what looks like an address, is still written."""

    def __init__(self) -> None:
        """Begin with none."""
        self._values: Dict[str, bool] = {}
        self._lengths: Dict[str, Set[int]] = {}
        #: By table, field and what it looks like: how many objects hold it.
        self.found: Found = {}
        #: Where values are that the built-in rules mask, by table and field.
        self.left: Dict[Tuple[str, str], int] = {}

    def add(self, value: Any, strict: bool) -> None:
        """Remember a value.

        :param strict: whether it may be nowhere
        """
        text = value.lower() if isinstance(value, str) else ""
        strict = strict and ("@" in text or len(text) >= _SECRET)
        if text == venv_sanitise_rules.UNUSABLE or len(text) < (_BEGINNING if strict else _SHORT):
            return
        self._values[text] = self._values.get(text, False) or strict
        self._lengths.setdefault(text[:_BEGINNING], set()).add(len(text))

    def look(self, meta: Any, pk: Any, pairs: List[Tuple[Any, Any]]) -> None:
        """Search what is written of an object."""
        own = [] if pk is None else [(meta.pk, pk)]
        for field, value in own + pairs:
            kinds: Set[str] = set()
            for text in _texts(_readable(field, value)):
                kinds.update(venv_sanitise_search.looks_like(field.name, text))
                held = self._held(text.lower())
                if held is not None:
                    kinds.add("value that was masked")
                if held:
                    place = (meta.db_table, field.name)
                    self.left[place] = self.left.get(place, 0) + 1
            for kind in kinds:
                name = (meta.db_table, field.name, kind)
                self.found[name] = self.found.get(name, 0) + 1

    def _held(self, text: str) -> Optional[bool]:
        """Tell whether a text holds a value: True for one that may be nowhere, False for others, None for none."""
        found: Optional[bool] = None
        for place in range(len(text) - _BEGINNING + 1) if self._lengths else ():
            for length in self._lengths.get(text[place : place + _BEGINNING], ()):
                strict = self._values.get(text[place : place + length])
                if strict:
                    return True
                found = found if strict is None else strict
        return found

    def told(self) -> List[Dict[str, Any]]:
        """Return where something is that no rule names, without a value."""
        return [
            {"table": table, "column": column, "looks_like": kind, "rows": rows}
            for (table, column, kind), rows in sorted(self.found.items())
        ]

    def check(self, refuse: bool) -> None:
        """Refuse to have written what was masked elsewhere. Raises FixtureError.

        :param refuse: whether anything that looks like an address is refused too
        """
        named = ["{0}.{1}".format(*place) for place in sorted(self.left)]
        if not named and refuse:
            named = sorted({"{0}.{1}".format(*place[:2]) for place in self.found})
        if named:
            raise FixtureError(
                "not_sanitised",
                "what is to be masked would still be in the fixture, in {0}".format(", ".join(named)),
                "list these in columns of rules (mask or empty), or leave their models out by excluded_models",
                columns=named,
            )


def _readable(field: Any, value: Any) -> Any:
    """Return a value as it is searched: bytes as the characters that they may be."""
    if isinstance(value, str) and venv_values.kind(field) == "binary":
        return venv_values.write_binary(value).decode("latin-1")
    return value


def _texts(value: Any) -> Iterator[str]:
    """Every text within a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.items():
            for part in item:
                yield from _texts(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)
