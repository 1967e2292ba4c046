# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Writes chosen objects and all that they refer to, in an order in which plain ``loaddata`` takes them.

Content types and permissions, whose numbers differ from one database to the next, are written without numbers and are
referred to by natural keys, whatever the options say; so a test's own database takes the fixture too.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import contextlib
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_anonymise,
    venv_follow,
    venv_follow_order,
    venv_references,
    venv_rows,
    venv_write_formats,
    venv_write_objects,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_references import Object
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_write_formats import Pairs

Request = Dict[str, Any]
Masker = Optional[venv_anonymise.Masker]


class Followed(venv_write_objects.Objects):
    """Selected objects of one model."""

    def __init__(
        self, table: venv_rows.Table, request: Request, selection: venv_follow.Selection, mask: Masker
    ) -> None:
        """Look at the model once."""
        super().__init__(table, request)
        self._selection, self._mask = selection, mask
        self.natural_primary = _is_numbered(self.model) or (self.natural_primary and _finds(self.model))

    def _by_natural_key(self, model: Any) -> bool:
        model = venv_references.concrete(model)
        return _is_numbered(model) or (super()._by_natural_key(model) and _finds(model))

    def _pairs(self, key: Any, row: Sequence[Any]) -> Pairs:
        """As ever, with empty references to what is left out, and masked."""
        pairs = [(field, value if self._keeps(field) else None) for field, value in super()._pairs(key, row)]
        return pairs if self._mask is None else self._mask.words(self.model, key, pairs)

    def _keeps(self, field: Any) -> bool:
        return field.remote_field is None or self._selection.keeps(field)

    def _related(self, field: Any, keys: Sequence[Any]) -> Dict[str, List[Any]]:
        return super()._related(field, keys) if self._keeps(field) else {}


def _finds(model: Any) -> bool:
    """Tell whether loaddata finds objects by natural keys: users have such, and some projects' managers do not."""
    return hasattr(model._default_manager, "get_by_natural_key")


def _is_numbered(model: Any) -> bool:
    return model._meta.label in venv_rows.NUMBERED


def dump(request: Request, connection: Any, stream: BinaryIO, tell: Callable[[str, int], None]) -> Dict[str, Any]:
    """Write the fixture; returns ``counts``, ``missing_keys`` and what became of the selection.

    :param request: models, exclude, excluded_models, keys, where, limit, anonymise (the rules, or None), and what the
        writers take
    """
    with contextlib.ExitStack() as stack:
        rules = request.get("anonymise")
        mask = stack.enter_context(venv_anonymise.Masker(request["alias"], rules)) if rules else None
        selection, missing = select(request, connection, mask)
        counts = _write(stream, request, selection, mask, tell)
        if mask is not None and rules:
            mask.originals.check(rules["unrecognised"] == "refuse")
    return {
        "counts": counts,
        "missing_keys": missing,
        "selected": selection.told(),
        "cut": selection.cut,
        "loose": selection.loose,
        "not_followed": sorted(selection.unknown),
        "models_left_out": sorted(model._meta.label for model in selection.gone),
        "masked": {} if mask is None else mask.counts,
        "unrecognised": [] if mask is None else mask.originals.told(),
    }


def select(request: Request, connection: Any, mask: Masker) -> Tuple[venv_follow.Selection, List[str]]:
    """Take the chosen objects and what they refer to; returns those of the keys that no object has, too."""
    models = venv_rows.models_of(request["alias"])
    left = _left(request, models, mask)
    gone = [model for model in models if model not in left]
    selection = venv_follow.Selection(connection, request["limit"], models, gone)
    if mask is not None:
        selection.watch(mask.columns(), mask.see)
    chosen = [model for model in venv_rows.choose(models, request.get("models") or [], []) if model in left]
    chosen = [model for model in chosen if not model._meta.auto_created]
    keys, missing = _keys(request, selection, chosen)
    for model in chosen:
        selection.choose(model, keys)
    selection.follow()
    return selection, missing


def _left(request: Request, models: Sequence[Any], mask: Masker) -> List[Any]:
    """The models but for those that are left out: on purpose, or since the rules empty them. Raises FixtureError."""
    names = [*(request.get("exclude") or []), *(request.get("excluded_models") or [])]
    emptied = [] if mask is None else mask.gone()
    return [model for model in venv_rows.choose(models, [], names) if model not in emptied]


def _keys(
    request: Request, selection: venv_follow.Selection, chosen: Sequence[Any]
) -> Tuple[Optional[Sequence[Any]], List[str]]:
    """The keys of the chosen objects, None for all; and those that no object has. Raises FixtureError."""
    keys, where = request.get("keys"), request.get("where")
    if keys is None and not where:
        return None, []
    if len(chosen) != 1:
        raise FixtureError("bad_option", "keys and conditions belong to one model", "name exactly one model in models")
    table = selection.references(chosen[0]).table
    missing = [key for key in keys or [] if not venv_references.plain_keys(table, [key])]
    if not where:
        return keys, missing
    found = matching(chosen[0], table.connection.alias, where, request["limit"])
    return (found if keys is None else _among(table, keys, found)), missing


def _among(table: venv_rows.Table, keys: Sequence[Any], found: Sequence[Any]) -> List[Any]:
    """Those of the keys that are among those that were found, too."""
    both = set(venv_references.plain_keys(table, keys))
    return [key for key in found if set(venv_references.plain_keys(table, [key])) & both]


def matching(model: Any, alias: str, where: Dict[str, Any], limit: int) -> List[Any]:
    """Return the keys of the objects that meet the conditions, one more than the limit at most.

    :param where: what Django's filter takes, past every manager. Raises FixtureError for what it does not take.
    """
    from django.core.exceptions import FieldError, ValidationError
    from django.db.models import QuerySet

    try:
        query = QuerySet(model=model, using=alias).filter(**where).order_by("pk").values_list("pk", flat=True)
        return list(query.distinct()[: limit + 1])
    except (FieldError, ValidationError, ValueError, TypeError) as error:
        why = str(error) if isinstance(error, FieldError) else "a value is not what the field takes"
        raise FixtureError(
            "bad_option",
            "where cannot be asked of {0} ({1}): {2}".format(model._meta.label, ", ".join(sorted(where)), why),
            "write fields and lookups as Django's filter takes them, such as category__slug or price__lt",
        ) from None


def _write(
    stream: BinaryIO,
    request: Request,
    selection: venv_follow.Selection,
    mask: Masker,
    tell: Callable[[str, int], None],
) -> Dict[str, Dict[str, Any]]:
    writer = venv_write_formats.WRITERS[request["format"]](stream, request.get("indent"))
    counts: Dict[str, Dict[str, Any]] = {}
    writer.begin()
    for model, pk, pairs in _objects(request, selection, mask):
        if mask is not None:
            mask.originals.look(model._meta, pk, pairs)
        writer.add(model._meta, pk, pairs)
        found = counts.setdefault(model._meta.label, {"objects": 0})
        found["objects"] += 1
        tell(model._meta.label, found["objects"])
    writer.end()
    return counts


def _objects(request: Request, selection: venv_follow.Selection, mask: Masker) -> Iterator[Tuple[Any, Any, Pairs]]:
    """Model, key and fields of each object, in order; those of models that refer to each other are held together."""
    models = [model for model, keys in selection.taken.items() if keys]
    models.sort(key=lambda model: (not _is_numbered(model), model._meta.label))
    for group in venv_follow_order.groups(models, selection.arrows):
        circular = len(group) > 1 or group[0] in selection.arrows.get(group[0], ())
        held: Dict[Object, Tuple[Any, Pairs]] = {}
        for model in group:
            writer = Followed(venv_rows.Table(model, selection.connection), request, selection, mask)
            for key, pk, pairs in writer.with_keys(venv_follow_order.sorted_keys(selection.taken[model])):
                if circular:
                    held[model, key] = (pk, pairs)
                else:
                    yield model, pk, pairs
        for one in venv_follow_order.in_order(list(held), selection.edges):
            yield (one[0], *held[one])
