# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one exit of every module.

Options that may hold a secret are marked ``no_log``. Ansible then blots every value in them out of every text and
number of the result, however short it is: ``{WEB_CONCURRENCY: "10"}`` would spoil digests, sizes and paths, which the
playbooks rely on. So the options are hidden here, and secrets are taken out of what people read; nothing else that a
module returns holds one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Protocol, Sequence, Set, Tuple

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

# Before all others of ours: what is imported from here on is loaded by it.
from ansible_collections.relocate.django.plugins.module_utils import _compiled  # noqa: F401  # pylint: disable=unused-import
from ansible_collections.relocate.django.plugins.module_utils._age.opener import OPENER
from ansible_collections.relocate.django.plugins.module_utils._broken import broken
from ansible_collections.relocate.django.plugins.module_utils._errors import AS_ROOT, RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.openat import check_work
from ansible_collections.relocate.django.plugins.module_utils._host.progress_file import VARIABLE, telling
from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.module_utils._project.venv_secrets import collect_secrets
from ansible_collections.relocate.django.plugins.module_utils._record.lease import Lease
from ansible_collections.relocate.django.plugins.module_utils._secrets import scrub

#: What stands for the value of an option that may hold a secret.
HIDDEN = "(not shown)"
#: Headers of a request whose values are credentials.
_CREDENTIALS = ("authorization", "proxy-authorization", "cookie")


class Call(Protocol):
    """What a module's work goes by; AnsibleModule is one."""

    params: Dict[str, Any]
    check_mode: bool

    def warn(self, warning: str) -> None:
        """Tell something that is no error."""


#: What a module does, and whether it writes, by its parameters: one that only looks does not take the site's lease.
Work = Callable[[Call], Dict[str, Any]]
Writes = Callable[[Mapping[str, Any]], bool]
#: Makes of a module's options, and their specification, what its invocation shows.
Show = Callable[[Mapping[str, Any], Mapping[str, Any]], Dict[str, Any]]


def always(_params: Mapping[str, Any]) -> bool:
    """Tell of a module that writes."""
    return True


def never(_params: Mapping[str, Any]) -> bool:
    """Tell of a module that only looks."""
    return False


@dataclass(frozen=True)
class Module:
    """What a module takes, and what it does. Its documentation lies in ``plugins/modules``."""

    arguments: Mapping[str, Any]  # of AnsibleModule: argument_spec, and which of them need which
    work_on: Work
    writes: Writes = always
    asks: Optional[Callable[[Mapping[str, Any]], Sequence[str]]] = None  # topics that the project will be asked about
    ready: Optional[Callable[[Mapping[str, Any]], None]] = None  # what the process does that answers its next call


def answer(module: AnsibleModule, work_on: Work, writes: Writes = always, show: Optional[Show] = None) -> None:
    """Run a module's work and turn its one kind of error into fail_json: the only exit of every module."""
    shown = {"module_args": (show or without_secrets)(module.params, module.argument_spec)}
    module.no_log_values = set()  # see above
    warn, secrets = module.warn, secrets_of(module.params)
    module.warn = lambda text: warn(scrub(text, secrets))
    with telling(_directory_of(module.params), os.environ.get(VARIABLE, "")) as parts:
        result, error = perform(module, work_on, writes)
    if parts:
        result["progress"] = parts
    if error is not None:
        module.fail_json(invocation=shown, **result)
    module.exit_json(invocation=shown, **result)


@dataclass
class Asked:
    """A call that came to a process which runs already, instead of by a module of its own."""

    params: Dict[str, Any]
    check_mode: bool
    said: List[str] = field(default_factory=list)

    def warn(self, warning: str) -> None:
        """Tell something that is no error."""
        self.said.append(scrub(warning, secrets_of(self.params)))


def answered(module: Module, given: Mapping[str, Any], check_mode: bool, show: Show, token: str = "") -> Dict[str, Any]:
    """Run a module's work, and return what its exit would print.

    :param given: the task's arguments
    :param token: names the file in which it tells how far it is; none without one
    """
    try:
        call = Asked(validated(module.arguments, given), check_mode)
    except RelocateError as error:
        return {**error.as_result(), "failed": True, "changed": False}
    shown = {"module_args": show(call.params, module.arguments["argument_spec"])}
    with telling(_directory_of(call.params), token) as parts:
        result, failure = perform(call, module.work_on, module.writes)
    if parts:
        result["progress"] = parts
    ended = {"failed": True} if failure is not None else {}
    return {"changed": False, **result, **ended, "invocation": shown, "warnings": call.said}


def _directory_of(params: Mapping[str, Any]) -> str:
    """Return our work directory, which ``batch`` is given with its steps."""
    for given in (params, *[step.get("arguments") or {} for step in params.get("steps") or ()]):
        if given.get("directory"):
            return str(given["directory"])
    return "/var/lib/relocate"


def perform(module: Call, work_on: Work, writes: Writes) -> Tuple[Dict[str, Any], Optional[RelocateError]]:
    """Do a module's work, with the site's lease when it writes.

    :returns: what it returns with the seconds that it took; when it failed, its error too, and what that says
    """
    began = time.monotonic()
    secrets = secrets_of(module.params)
    try:
        if module.params.get("directory") is not None:
            check_work(module.params["directory"])
        with contextlib.ExitStack() as stack:
            stack.enter_context(OPENER.given(str(module.params.get("age_identity") or "")))
            stack.enter_context(lease_of(module) if writes(module.params) else contextlib.nullcontext())
            result = work_on(module)
    except Exception as exc:
        error = exc if isinstance(exc, RelocateError) else _named(exc) if isinstance(exc, OSError) else broken(exc)
        told = scrubbed({"msg": error.msg, "hint": error.hint, "details": error.details}, secrets)
        error = RelocateError(error.code, told["msg"], told["hint"], told["details"])
        return {**error.as_result(), "elapsed": _since(began)}, error
    if "notes" in result:
        result["notes"] = scrubbed(result["notes"], secrets)
        tell(module, result["notes"])
    return {**result, "elapsed": _since(began)}, None


def tell(module: Call, lines: Iterable[str]) -> None:
    """Tell what is no error, fit for a terminal. What a module returns as its ``notes`` is told by itself."""
    for line in lines:
        module.warn(printable(line))


def _since(began: float) -> float:
    return round(time.monotonic() - began, 2)


def validated(arguments: Mapping[str, Any], given: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the parameters that Ansible would make of a module's arguments. Raises bad_option.

    :param arguments: of AnsibleModule: argument_spec, and which of them need which
    """
    needs = {key: value for key, value in arguments.items() if key != "argument_spec"}
    found = ArgumentSpecValidator(arguments["argument_spec"], **needs).validate(given)
    if found.error_messages:
        text = scrub("; ".join(found.error_messages), secrets_of(given))
        raise RelocateError("bad_option", text, "correct it in the inventory")
    parameters: Dict[str, Any] = found.validated_parameters
    return parameters


def without_secrets(params: Mapping[str, Any], spec: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a module's options as its invocation shows them: those that may hold a secret without their values."""
    shown = dict(params)
    for name, option in spec.items():
        value = params.get(name)
        if value and option.get("no_log"):
            shown[name] = HIDDEN
        elif value and option.get("options"):
            inner = option["options"]
            shown[name] = (
                [without_secrets(item, inner) for item in value]
                if isinstance(value, list)
                else without_secrets(value, inner)
            )
    return shown


def secrets_of(params: Mapping[str, Any]) -> List[str]:
    """Return the secrets among a module's options: the administrator's password, and what is named like a secret."""
    found: Set[str] = {str(params["login_password"])} if params.get("login_password") else set()
    found.update(_lines_of(str(params.get("age_identity") or "")))
    for name in ("environment", "overrides"):
        collect_secrets("", params.get(name) or {}, found)
    for question in params.get("answers") or ():
        for name, value in (question.get("headers") or {}).items():
            collect_secrets("token" if name.lower() in _CREDENTIALS else name.replace("-", "_"), str(value), found)
    return sorted(found)


def _lines_of(identity: str) -> List[str]:
    """Return what is secret of what opens encrypted sets; of the path of a file nothing."""
    lines = [] if identity.startswith("/") else identity.splitlines()
    return [line for line in lines if line.strip() and not line.startswith(("#", "-----"))]


def scrubbed(value: Any, secrets: List[str]) -> Any:
    """Return a value with every text in it free of the secrets."""
    if isinstance(value, str):
        return scrub(value, secrets)
    if isinstance(value, dict):
        return {key: scrubbed(item, secrets) for key, item in value.items()}
    return [scrubbed(item, secrets) for item in value] if isinstance(value, (list, tuple)) else value


def _named(exc: OSError) -> RelocateError:
    """The error for what this host refused, in words that hold no secret."""
    text = "{0}: {1}".format(exc.filename or "this host", exc.strerror or type(exc).__name__)
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return RelocateError("disk_full", text, "free space there, then run again")
    if isinstance(exc, PermissionError):
        return RelocateError("right_missing", text, AS_ROOT)
    return RelocateError("program_failed", text, "see what is wrong there, then run again")


@contextlib.contextmanager
def lease_of(module: Call) -> Iterator[Optional[Lease]]:
    """Hold the site's lease while a module writes: two runs at once must not share a site."""
    params = module.params
    if module.check_mode or not params.get("run"):
        yield None
        return
    with Lease(params["directory"], params["site"], params["run"]) as lease:
        yield lease
        if params["release"]:
            lease.release()
