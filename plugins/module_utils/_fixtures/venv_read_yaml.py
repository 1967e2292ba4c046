# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later


"""Reads fixtures of Django's as YAML, object by object.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
and PyYAML.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import Any, BinaryIO, Iterator

from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_objects import (
    Item,
    Place,
    checked,
    invalid,
    truncated,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError


class _Yaml:
    """A sequence of objects, composed one by one; libyaml parses where PyYAML was built with it."""

    def __init__(self, yaml: Any, stream: BinaryIO) -> None:
        self._yaml, self._number = yaml, 0
        self._loader = _yaml_loader(yaml, stream)

    def items(self) -> Iterator[Item]:
        loader, yaml = self._loader, self._yaml
        self._open()
        while not loader.check_event(yaml.SequenceEndEvent):
            place = Place(self._number + 1, self._line())
            node = loader.compose_node(None, None)
            _check_doubled(yaml, place, node)
            item = loader.construct_document(node)
            loader.anchors = {}
            self._number += 1
            yield checked(place, item)
        loader.get_event()
        loader.get_event()
        if not loader.check_event(yaml.StreamEndEvent):
            raise invalid("line {0}".format(self._line()), "there is more after the end")

    def _line(self) -> int:
        return int(self._loader.peek_event().start_mark.line) + 1

    def _open(self) -> None:
        loader, yaml = self._loader, self._yaml
        loader.get_event()
        if loader.check_event(yaml.StreamEndEvent):
            raise truncated(0)
        loader.get_event()
        if not loader.check_event(yaml.SequenceStartEvent):
            raise invalid("line {0}".format(self._line()), "this is not a list of objects")
        loader.get_event()

    def refusal(self, error: Exception) -> FixtureError:
        """Return what PyYAML complains of, with its place."""
        if isinstance(error, self._yaml.reader.ReaderError):
            hint = (
                "" if error.encoding == "unicode" else "re-encode it as UTF-8, for instance: iconv -f CP1252 -t UTF-8"
            )
            text = "this is not YAML: {0}".format(error.reason)
            return invalid("after object {0}".format(self._number), text, hint)
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        place = Place(self._number + 1, mark.line + 1 if mark is not None else 0)
        problem = str(getattr(error, "problem", "") or type(error).__name__)
        return invalid(place, "this is not YAML: {0}".format(problem))


def items(stream: BinaryIO) -> Iterator[Item]:
    """The objects of a YAML list."""
    try:
        import yaml
    except ImportError:
        raise FixtureError(
            "library_missing", "the project's interpreter has no PyYAML", "use another format, or install PyYAML"
        ) from None
    source = _Yaml(yaml, stream)
    try:
        yield from source.items()
    except UnicodeDecodeError:
        raise invalid("the fixture", "this is not UTF-8") from None
    except yaml.YAMLError as error:
        raise source.refusal(error) from None
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise source.refusal(error) from None


def _yaml_loader(yaml: Any, stream: BinaryIO) -> Any:
    from yaml.composer import Composer
    from yaml.constructor import SafeConstructor
    from yaml.resolver import Resolver

    fast = getattr(yaml, "CSafeLoader", None)
    if fast is None:

        class Plain(yaml.SafeLoader):  # type: ignore[misc]
            """PyYAML's own, with scalars as they are written."""

        _keep_texts(Plain)
        return Plain(stream)
    parser = next(base for base in fast.__mro__ if base.__name__ == "CParser")

    class Loader(parser, Composer, SafeConstructor, Resolver):  # type: ignore[misc,valid-type]
        """Events by libyaml; nodes one by one, which libyaml's own loader does not offer."""

        def __init__(self, source: BinaryIO) -> None:
            parser.__init__(self, source)
            Composer.__init__(self)
            SafeConstructor.__init__(self)
            Resolver.__init__(self)

    _keep_texts(Loader)
    return Loader(stream)


class _Int(int):
    """A number, and how it was written: 010 in a text is no 8."""

    text = ""


class _Float(float):
    """A number, and how it was written: 1.10 in a text is no 1.1."""

    text = ""


def _keep_texts(loader: Any) -> None:
    """Dates stay texts, which old versions of PyYAML make naive; numbers remember theirs."""

    def number(kind: Any, construct: Any) -> Any:
        def made(self: Any, node: Any) -> Any:
            found = kind(construct(self, node))
            found.text = node.value
            return found

        return made

    loader.add_constructor("tag:yaml.org,2002:timestamp", loader.construct_yaml_str)
    loader.add_constructor("tag:yaml.org,2002:int", number(_Int, loader.construct_yaml_int))
    loader.add_constructor("tag:yaml.org,2002:float", number(_Float, loader.construct_yaml_float))


def _check_doubled(yaml: Any, place: Place, node: Any) -> None:
    """YAML readers take the last of two equal names without a word."""
    pending = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, yaml.MappingNode):
            names = [key.value for key, _value in current.value if isinstance(key, yaml.ScalarNode)]
            if len(set(names)) != len(names):
                raise invalid(place, "a name is there twice")
            if current is node:
                pending += [value for _key, value in current.value]
