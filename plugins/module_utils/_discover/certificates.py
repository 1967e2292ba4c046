# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the files of certificates with all that they lead to, and checks that they fit: keys, names, dates.

A private key is opened here and read by ``openssl``, which prints its public half; nothing else of it is seen.
What a user may have written is read by ``openssl`` with his rights: root's are not for parsers of hostile files.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import ssl
from dataclasses import dataclass
from typing import Callable, Dict, FrozenSet, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple, Union

from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import WebSite
from ansible_collections.relocate.django.plugins.module_utils._discover.rights import NOBODY, find_user
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed, find_program, run

#: Made on each host when a package was installed there: of no use on another.
_OF_THE_HOST = frozenset(
    "/etc/ssl/certs/ssl-cert-snakeoil.pem /etc/ssl/private/ssl-cert-snakeoil.key"
    " /etc/pki/tls/certs/localhost.crt /etc/pki/tls/private/localhost.key".split()
)
_CERTBOT = re.compile(r"(/.+)/(?:live|archive)/([^/]+)/[^/]+\.pem\Z")
_LIVE = ("cert.pem", "chain.pem", "fullchain.pem", "privkey.pem")
_HOOKS = ("pre", "deploy", "post")
_SETTING = re.compile(r"\s*([a-z0-9_]+)\s*=\s*(\S+)\s*\Z")
_ACCOUNT = re.compile(r"[0-9a-f]{16,64}\Z")
_TEXT = "no_header,no_version,no_serial,no_signame,no_validity,no_issuer,no_subject,no_pubkey,no_sigdump,no_aux"
_PUBLIC_KEY = re.compile(r"-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----")
_TIMEOUT = 5.0
_HEAD = 256  # bytes of a key that say whether it is locked
_MOST = 8  # certificates of a site
_SIZE = 256 * 1024  # bytes of one, with those that it hands over
_SOON = 14 * 86400.0  # seconds before its end from which a certificate counts as one that expires soon
_CERTBOTS = ("/snap/bin", "/opt/certbot/bin", "/usr/local/bin")  # where certbot lies besides PATH

Runner = Callable[..., Completed]


@dataclass(frozen=True)
class Certificate:
    """One certificate: the first of its file."""

    path: str
    names: Tuple[str, ...]  # that it is for; "*.example.org" too
    public_key: str
    begins: float  # seconds since 1970
    ends: float


# --- files


def files_of(sites: Iterable[WebSite], files: ConfigFiles) -> Tuple[str, ...]:
    """Return the files of the certificates and keys of sites, links first and then what they lead to.

    Of certbot's too what it needs to renew them: its settings of the certificate, its account, credentials for DNS,
    hooks. What a package made for the host itself is left out.
    """
    paths = [path for path in _named(sites) if not _OF_THE_HOST.intersection(files.chain(path))]
    lineages = dict.fromkeys(lineage for path in paths for lineage in _lineages(path, files))
    for top, name in lineages:
        paths += _of_certbot(top, name, files)
    return tuple(filter(files.exists, files.chains(paths)))


def _named(sites: Iterable[WebSite]) -> List[str]:
    return list(dict.fromkeys(path for site in sites for path in (*site.certificates, *site.keys)))


def _lineages(path: str, files: ConfigFiles) -> Iterator[Tuple[str, str]]:
    """Give certbot's directory and its name for a certificate, where it is one of its own."""
    for link in files.chain(path):
        match = _CERTBOT.match(link)
        if match and files.exists("{0}/renewal/{1}.conf".format(*match.groups())):
            yield match.group(1), match.group(2)


def _of_certbot(top: str, name: str, files: ConfigFiles) -> Iterator[str]:
    renewal = "{0}/renewal/{1}.conf".format(top, name)
    yield from ("{0}/live/{1}/{2}".format(top, name, file) for file in _LIVE)
    yield renewal
    settings = parse_renewal(files.text(renewal) or "")
    account = settings.get("account", "")
    if _ACCOUNT.match(account):
        server = settings.get("server", "").partition("://")[2].strip("/")
        directory = "{0}/accounts/{1}/{2}".format(top, server, account)
        yield from (directory + "/" + file for file in files.names(directory) if ".." not in server)
    yield from (path for key, path in settings.items() if key.endswith("_credentials") and path.startswith("/"))
    for kind in _HOOKS:
        yield from files.expand("{0}/renewal-hooks/{1}/*".format(top, kind))


def parse_renewal(text: str) -> Dict[str, str]:
    """Return the settings of one of certbot's renewal files."""
    matches = [_SETTING.match(line) for line in text.splitlines()]
    return {match.group(1): match.group(2) for match in matches if match}


# --- what is in them


def read_certificate(path: str, files: ConfigFiles, runner: Runner = run) -> Optional[Certificate]:
    """Return what a certificate says; None for a file that is none, or without openssl."""
    text = _openssl(["x509", "-noout", "-pubkey", "-dates", "-text", "-certopt", _TEXT], path, files, runner)
    return parse_certificate(path, text)


def public_key(path: str, files: ConfigFiles, runner: Runner = run) -> str:
    """Return the public half of a private key; "" for a file that is none, or that needs a password."""
    match = _PUBLIC_KEY.search(_openssl(["pkey", "-pubout", "-passin", "pass:"], path, files, runner))
    return match.group() if match else ""


def _openssl(argv: Sequence[str], path: str, files: ConfigFiles, runner: Runner) -> str:
    program, stream = find_program("openssl"), files.open(path)
    if stream is None:
        return ""
    with stream:
        try:
            command = Command([program or "", *argv], user=_parser(files.writer(path)))
            return runner(command, stdin=stream, timeout=_TIMEOUT).out if program else ""
        except RelocateError:
            return ""


def _parser(writer: str) -> Optional[SystemUser]:
    """Return whom to run as when a file is parsed: its writer; None for this process's own user.

    Another one, such as nobody, would let that user's programs look into one that holds a key.
    """
    return (find_user(writer) or NOBODY) if writer else None


def parse_certificate(path: str, text: str) -> Optional[Certificate]:
    """Return a certificate, out of what ``openssl x509`` prints of it."""
    key = _PUBLIC_KEY.search(text)
    dates = dict(re.findall(r"^(notBefore|notAfter)=(.+)$", text, re.MULTILINE))
    try:
        begins, ends = (float(ssl.cert_time_to_seconds(dates[name])) for name in ("notBefore", "notAfter"))
    except (KeyError, ValueError):
        return None
    alternative = re.search(r"X509v3 Subject Alternative Name:[^\n]*\n([^\n]*)", text)
    names = re.findall(r"(?:DNS|IP Address):([^\s,]+)", alternative.group(1) if alternative else "")
    return Certificate(path, tuple(name.lower() for name in names), key.group() if key else "", begins, ends)


def trusted(sites: Iterable[WebSite], files: ConfigFiles, runner: Runner = run) -> FrozenSet[str]:
    """Return the certificates of sites that this host's authorities vouch for now."""
    found: Set[str] = set()
    for chain in dict.fromkeys(site.certificates[:_MOST] for site in sites):
        found.update(path for path in chain if path not in found and _is_trusted(path, chain, files, runner))
    return frozenset(found)


def _is_trusted(path: str, chain: Sequence[str], files: ConfigFiles, runner: Runner) -> bool:
    program = find_program("openssl")
    with contextlib.ExitStack() as opened:
        handles = tuple(opened.enter_context(_copied(item, files)) for item in (path, *chain))
        if program is None or -1 in handles:
            return False
        untrusted = [word for handle in handles for word in ("-untrusted", "/dev/fd/{0}".format(handle))]
        # None of them is secret: whoever else runs as nobody may see them.
        user = NOBODY if os.geteuid() == 0 and any(map(files.writer, (path, *chain))) else None
        command = Command([program, "verify", *untrusted, "/dev/fd/{0}".format(handles[0])], user, pass_fds=handles)
        try:
            return runner(command, timeout=_TIMEOUT).rc == 0
        except RelocateError:
            return False


@contextlib.contextmanager
def _copied(path: str, files: ConfigFiles) -> Iterator[int]:
    """Give a file in memory that anybody can open who is handed it; -1 in place of one that cannot be read."""
    stream = files.open(path)
    if stream is None:
        yield -1
        return
    with stream:
        data = stream.read(_SIZE + 1)
    handle = os.memfd_create("certificate") if len(data) <= _SIZE else -1
    try:
        if handle >= 0:
            os.write(handle, data)
        yield handle
    finally:
        if handle >= 0:
            os.close(handle)


# --- whether they fit


@dataclass(frozen=True)
class Problem:
    """Names what is wrong with a certificate or key.

    :param kind: missing, unreadable, key, expired, early, soon (it expires), name or renewal
    :param name: the host name that it is not for; "" for other kinds
    """

    kind: str
    path: str
    text: str
    name: str = ""


def check(site: WebSite, files: ConfigFiles, now: float, runner: Runner = run) -> List[Problem]:
    """Return what is wrong with the certificates and keys of a site; without openssl, only what is missing."""
    paths = dict.fromkeys(filter(None, (*site.certificates[:_MOST], *site.keys[:_MOST])))
    missing = list(filter(None, (_missing(path, files) for path in paths)))
    if find_program("openssl") is None:
        return missing
    there = set(paths).difference(problem.path for problem in missing)
    read = {path: read_certificate(path, files, runner) for path in site.certificates if path in there}
    public = _public_keys(there.intersection(site.keys), files, runner)
    keys = {path: key for path, key in public.items() if key}
    wrong = problems(list(filter(None, read.values())), keys, _names(site, files), now)
    return [*missing, *_unread({**read, **public}), *wrong, *_unrenewed(read, files)]


def _public_keys(paths: Iterable[str], files: ConfigFiles, runner: Runner) -> Dict[str, str]:
    """Return the public halves of keys; those that need a password are left out."""
    return {path: public_key(path, files, runner) for path in sorted(paths) if not _is_locked(path, files)}


def _unread(found: Mapping[str, Union[Certificate, str, None]]) -> List[Problem]:
    paths = [path for path, content in found.items() if not content]
    return [Problem("unreadable", path, "{0} cannot be read as a certificate or key".format(path)) for path in paths]


def _names(site: WebSite, files: ConfigFiles) -> Sequence[str]:
    """Return the names that a site's certificates must be for: what a package made for the host bears the host's."""
    return () if any(_OF_THE_HOST.intersection(files.chain(path)) for path in site.certificates) else site.names


def _missing(path: str, files: ConfigFiles) -> Optional[Problem]:
    """Say that a file, or what its link leads to, is not there."""
    last = files.chain(path)[-1]
    if files.exists(last):
        return None
    text = "{0} is not there" if last == path else "{0} leads to {1}, which is not there"
    return Problem("missing", path, text.format(path, last))


def _is_locked(path: str, files: ConfigFiles) -> bool:
    """Tell whether a key needs a password, which the web server asks for or has in a file."""
    stream = files.open(path)
    if stream is None:
        return False
    with stream:
        return b"ENCRYPTED" in stream.read(_HEAD)


def _unrenewed(paths: Iterable[str], files: ConfigFiles) -> Iterator[Problem]:
    """Say what keeps certbot from renewing its certificates on this host."""
    for path in paths:
        match = next(filter(None, map(_CERTBOT.match, files.chain(path))), None)
        renewal = "{0}/renewal/{1}.conf".format(*match.groups()) if match else ""
        if renewal and not files.exists(renewal):
            yield Problem("renewal", path, "{0} will not be renewed here: {1} is not there".format(path, renewal))
        elif renewal and find_program("certbot", _CERTBOTS) is None:
            yield Problem("renewal", path, "{0} will not be renewed here: certbot is not installed".format(path))


def problems(
    certificates: Sequence[Certificate], keys: Mapping[str, str], names: Sequence[str], now: float
) -> List[Problem]:
    """Return what is wrong with the certificates of a site. Pure.

    :param keys: the public half of each private key, by path
    :param names: host names of the site
    :param now: seconds since 1970
    """
    if not certificates:
        return []
    public = {certificate.public_key for certificate in certificates}
    wrong = [
        Problem("key", path, "{0} is the key of no certificate".format(path))
        for path, key in keys.items()
        if key not in public
    ]
    wrong += filter(None, (_out_of_date(certificate, now) for certificate in certificates))
    first = certificates[0].path
    return wrong + [
        Problem("name", first, "{0} is not for {1}".format(first, name), name)
        for name in dict.fromkeys(names)
        if "." in name and not any(covers(one, name) for one in certificates)
    ]


def _out_of_date(certificate: Certificate, now: float) -> Optional[Problem]:
    path = certificate.path
    if certificate.ends <= now:
        return Problem("expired", path, "{0} expired on {1}".format(path, _day(certificate.ends)))
    if certificate.begins > now:
        return Problem("early", path, "{0} is valid from {1} on".format(path, _day(certificate.begins)))
    if certificate.ends < now + _SOON:
        return Problem("soon", path, "{0} expires on {1}".format(path, _day(certificate.ends)))
    return None


def covers(certificate: Certificate, name: str) -> bool:
    """Tell whether a certificate is for a host's name: an asterisk stands for one component."""
    name = name.lower().rstrip(".")
    return name in certificate.names or "*." + name.partition(".")[2] in certificate.names


def _day(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d")
