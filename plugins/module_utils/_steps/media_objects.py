# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies MEDIA where old and new keep it in different places, one of them in object storage at least.

The first pass is made while old serves. The last one, in the window, brings what changed since and removes what is gone
on old; then both places are listed once more, and must be equal. What an earlier pass did not see on old is not gone
there: it was made on new, and stays.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Set

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.facts import machine_id
from ansible_collections.relocate.django.plugins.module_utils._media import brought, root, stores
from ansible_collections.relocate.django.plugins.module_utils._media.objects import (
    ENCRYPTED,
    Copy,
    Found,
    Login,
    Place,
    difference,
    only,
    total,
)
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.module_utils._record.record import read_record, update_record
from ansible_collections.relocate.django.plugins.module_utils._site import Site
from ansible_collections.relocate.django.plugins.module_utils._steps import media_logins

REFUSE, COPY, LEAVE = "refuse", "copy", "leave"


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds the options of the module ``media_objects``."""

    directory: str  # ours
    site: str
    stores: Sequence[Mapping[str, Any]]  # where old keeps files in object storage, as preflight told it
    machine: str  # old's machine id
    on_disk: bool  # old's MEDIA_ROOT holds MEDIA, which was brought to that of this host
    objects: str  # what becomes of them where new keeps them elsewhere: refuse, copy, leave
    credentials_file: Optional[str]  # on this host: what opens old's bucket; None: what opens new's
    delete: bool  # the last pass: what is gone on old is removed here
    skip: Sequence[str]  # names that stay behind


#: Makes a copy of two places; tests make another one.
Make = Callable[[Place, Place], Copy]


def work(site: Site, options: Options, check_mode: bool, make: Optional[Make] = None) -> Dict[str, Any]:
    """Copy what lies in another place on new than on old, or say why nothing is copied.

    Raises media_elsewhere before any write, media_not_blank, media_not_copied, media_skipped, path_refused.
    """
    pairs = _pairs(site, options)
    notes = [text for pair in pairs for text in _settled(pair, options)]
    others = [pair for pair in pairs if not _settled(pair, options)]
    if options.objects == LEAVE:
        return _result(False, [], [*notes, *map(_left, others)])
    _refuse(others, pairs, options, stores.of_facts(site.facts["django"], "static_stores"))
    if check_mode or not others:
        return _result(bool(others), [], notes)
    logins, made = media_logins.read(site, options.credentials_file), make or _maker(site)
    copied = [_one(site, options, pair, logins, made, notes) for pair in others]
    return _result(_changed(copied), copied, notes)


def _changed(copied: Sequence[Mapping[str, Any]]) -> bool:
    return any(item["sent"] or item["removed"] for item in copied)


def _pairs(site: Site, options: Options) -> List[stores.Pair]:
    """Return where both hosts keep files, one of them at least in object storage."""
    old = stores.of_facts({"media_stores": options.stores})
    return stores.pairs(old, stores.of_facts(site.facts["django"]), options.machine == machine_id())


def _result(changed: bool, copied: List[Dict[str, Any]], notes: List[str]) -> Dict[str, Any]:
    return {"changed": changed, "copied": copied, "copies": bool(copied), "notes": notes}


def _left(pair: stores.Pair) -> str:
    return "{0}: old keeps it in {1}, new in {2}: nothing was copied (relocate_media_objects: leave)".format(
        pair.who, pair.side(pair.old), pair.side(pair.new)
    )


def _settled(pair: stores.Pair, options: Options) -> List[str]:
    """Say why there is nothing to copy; nothing where there is."""
    if pair.relation == stores.SAME:
        return [stores.of_both(pair)]
    if pair.old is None and not options.on_disk:
        text = "{0}: old keeps it on a disk that holds none, so nothing is copied to {1}"
        return [text.format(pair.who, pair.side(pair.new))]
    return []


def _refuse(
    pairs: Sequence[stores.Pair],
    everyone: Sequence[stores.Pair],
    options: Options,
    static: Sequence[stores.Store],
) -> None:
    """Refuse what nobody asked for, and what cannot be copied. Raises media_elsewhere.

    :param everyone: those that share a place too
    :param static: where new collects static files
    """
    asked = options.objects == COPY
    unable = {pair: _unable(pair, everyone, options) or _among_static(pair, static, options) for pair in pairs}
    problems = [
        "{0}: old keeps it in {1}, new's settings name {2}{3}".format(
            pair.who, pair.side(pair.old), pair.side(pair.new), unable[pair] if asked else ""
        )
        for pair in pairs
        if not asked or unable[pair]
    ]
    if not problems:
        return
    hint = "set relocate_media_objects: copy to have it copied by rclone, or leave when you see to it yourself"
    if asked:
        hint = "copy it yourself and set relocate_media_objects: leave, or give new old's settings"
    raise RelocateError("media_elsewhere", "; ".join(problems), hint)


def _unable(pair: stores.Pair, everyone: Sequence[stores.Pair], options: Options) -> str:
    """Say why a pair of places cannot be copied; nothing when it can."""
    there = [store for store in (pair.old, pair.new) if store is not None]
    cases = (
        (any(store.kind != "s3" or not store.bucket for store in there), "only buckets of S3 are copied"),
        (pair.relation == stores.OVERLAP, "one of the two lies within the other"),
        (_meets(pair, everyone), "files of another place of old, or live ones, lie there on new too"),
        (_is_olds(pair, options), "that address of old means old itself"),
        (len(there) == 1 and stores.DEFAULT not in pair.users, "of a field only one bucket is copied to another"),
        (pair.new is None and options.on_disk, "MEDIA_ROOT of old holds files too"),
    )
    return next((", and " + why for is_so, why in cases if is_so), "")


def _meets(pair: stores.Pair, everyone: Sequence[stores.Pair]) -> bool:
    """Tell whether the last pass would take what another pair keeps on new for gone on old, and remove it."""
    others = [other.new for other in everyone if other is not pair and other.new is not None]
    return pair.new is not None and any(pair.new.relation(other, True) != stores.OTHER for other in others)


def _among_static(pair: stores.Pair, static: Sequence[stores.Store], options: Options) -> str:
    """Say that new collects static files among what is copied; nothing where the user leaves their names out.

    Static files of old would take the place of new's; and what old does not have would be no equal copy.
    """
    if pair.new is None:
        return ""
    for store in static:
        below = pair.new.below(store)
        if below is not None and (not below or only({below: Found(0, "")}, options.skip)):
            way = "list {0} in relocate_media_skip".format(printable(below)) if below else "give them another place"
            return ", and static files of new lie there too ({0})".format(way)
    return ""


def _is_olds(pair: stores.Pair, options: Options) -> bool:
    """Tell whether old reaches its bucket by an address that means another server here."""
    return pair.old is not None and pair.old.is_here and options.machine != machine_id()


# --- one pair of places


def _one(
    site: Site, options: Options, pair: stores.Pair, logins: Mapping[str, Login], make: Make, notes: List[str]
) -> Dict[str, Any]:
    """Copy the files of one pair of places; returns what was counted.

    :param notes: to which is added what the user should know
    """
    disk = str(site.facts["django"].get("media_root") or "")
    user = pair.users[0]
    source = Place(pair.old, logins["old"] if "old" in logins else logins.get(user, Login()), disk)
    target = Place(pair.new, logins.get(user, Login()), disk)
    copy = make(source, target)
    wanted = only(copy.of_source(), options.skip)
    _refuse_links(pair, only(dict.fromkeys(copy.links, Found(0, "")), options.skip))
    earlier = _earlier(options, pair, disk)
    # What version control brought stays, whether old has it or not.
    tracked = _tracked(site, options, pair, disk)
    _refuse_tracked(pair, copy, wanted, tracked)
    _claim(site, options, pair, disk)
    kept = tracked - set(wanted)
    there = _without(only(copy.of_target(), options.skip), kept)
    _refuse_foreign(options, pair, wanted, there)
    seen: brought.Brought = {**dict.fromkeys(wanted), **earlier}
    brought.write(_list_of(options, pair, disk), seen)
    strangers = set(there) - set(seen)
    notes += _of_strangers(pair, strangers)
    there = _without(there, strangers)
    before = difference(wanted, there, seen)
    _bring(options, copy, wanted, there, before.lacking)
    now = _once_more(options, pair, copy, wanted)
    gone = [name for name in before.gone if name not in now] if options.delete else []
    copy.remove(gone)
    there = _of_old(only(copy.of_target(), options.skip), {*seen, *now}, kept)
    after = difference(now, there, {name: one.time for name, one in wanted.items()})
    brought.write(_list_of(options, pair, disk), {**_without(seen, set(gone)), **_times(wanted, there)})
    _refuse_etags(pair, wanted, there, before.lacking)
    if options.delete and not after.is_none:
        raise _unequal(pair, after.lacking, after.gone)
    return {
        "who": pair.who,
        "objects": len(now),
        "bytes": total(now),
        "by_size": after.by_size,
        "sent": len(before.lacking),
        "removed": len(gone),
    }


def _once_more(options: Options, pair: stores.Pair, copy: Copy, wanted: Dict[str, Found]) -> Dict[str, Found]:
    """Return what old holds now, in the last pass.

    Old has stopped, but a bucket may have other writers; and it may be new's own, by another name of its server.
    """
    return only(copy.of_source(), options.skip) if options.delete and pair.old is not None else wanted


def _refuse_etags(pair: stores.Pair, wanted: Dict[str, Found], there: Dict[str, Found], sent: Sequence[str]) -> None:
    """Refuse to go on where all that was copied seems to be another one. Raises media_not_copied before the window."""
    another = [name for name in sent if name in there and _differs(wanted[name], there[name])]
    if another and len(another) == len(sent):
        raise RelocateError(
            "media_not_copied",
            "{0}: all {1} that were copied have the same size and another checksum in {2} than in {3}".format(
                pair.who, len(another), pair.side(pair.new), pair.side(pair.old)
            ),
            ENCRYPTED,
        )


def _differs(one: Found, other: Found) -> bool:
    return one.size == other.size and bool(one.md5 and other.md5) and one.md5 != other.md5


def _refuse_links(pair: stores.Pair, links: Mapping[str, Found]) -> None:
    """Refuse links on the disk that is copied from. Raises media_skipped."""
    if links:
        raise RelocateError(
            "media_skipped",
            "{0}: {1} symbolic links in {2}, such as {3}, and no bucket holds links".format(
                pair.who, len(links), pair.side(pair.old), printable(min(links))
            ),
            "put files in their place on old, or list them in relocate_media_skip: new will not serve them then",
        )


def _tracked(site: Site, options: Options, pair: stores.Pair, disk: str) -> Set[str]:
    """Return the files of MEDIA_ROOT that version control brought. Raises path_refused."""
    if pair.new is not None:
        return set()
    owner = site.project.owner
    return root.tracked_names(root.check_path(disk, options.directory, owner), owner)


def _refuse_tracked(pair: stores.Pair, copy: Copy, wanted: Dict[str, Found], tracked: Set[str]) -> None:
    """Refuse to put other files in the place of those that version control brought. Raises media_not_blank."""
    both = tracked & set(wanted)
    there = copy.of_target() if both else {}
    others = difference({name: wanted[name] for name in both & set(there)}, there).lacking
    if others:
        raise RelocateError(
            "media_not_blank",
            "MEDIA_ROOT holds {0} files of version control that are other ones in {1}: {2}{3}".format(
                len(others), pair.side(pair.old), ", ".join(map(printable, others[:5])), ", ..." * (len(others) > 5)
            ),
            "commit what the bucket has, or take them out of version control; or list them in relocate_media_skip, "
            "where new will serve the committed ones",
        )


def _list_of(options: Options, pair: stores.Pair, disk: str) -> str:
    """Return the file that remembers what was seen on old."""
    return brought.path_of(options.directory, options.site, _key(pair) or disk)


def _earlier(options: Options, pair: stores.Pair, disk: str) -> brought.Brought:
    """Return what earlier passes saw on old; nothing where the target is not yet noted as filled by us."""
    record = read_record(options.directory, options.site)
    is_ours = _key(pair) in record.media_filled if pair.new is not None else record.media_at(os.path.normpath(disk))
    return brought.read(_list_of(options, pair, disk)) if is_ours else {}


def _of_old(found: Dict[str, Found], seen: Set[str], kept: Set[str]) -> Dict[str, Found]:
    """Leave out what never came from old."""
    return {name: one for name, one in found.items() if name in seen and name not in kept}


def _of_strangers(pair: stores.Pair, names: Set[str]) -> List[str]:
    """Say what was made on new between two passes."""
    if not names:
        return []
    text = "{0}: {1} holds {2} files that old never had, such as {3}: they stay"
    return [text.format(pair.who, pair.side(pair.new), len(names), printable(min(names)))]


def _without(found: Dict[str, Any], names: Set[str]) -> Dict[str, Any]:
    return {name: one for name, one in found.items() if name not in names} if names else found


def _times(wanted: Dict[str, Found], there: Dict[str, Found]) -> brought.Brought:
    """Return when what was copied had been written; "" where checksums tell a change better."""
    return {name: "" if one.md5 and there[name].md5 else one.time for name, one in wanted.items() if name in there}


def _bring(
    options: Options, copy: Copy, wanted: Dict[str, Found], there: Dict[str, Found], lacking: Sequence[str]
) -> None:
    """Copy what is lacking."""
    size = total(wanted, lacking)
    # rclone leaves out what looks equal to it, so what is another one of the same size is named to it.
    if len(lacking) == len(wanted) and not options.skip and not set(wanted) & set(there):
        copy.all(size)
    else:
        copy.some(lacking, size)


def _unequal(pair: stores.Pair, lacking: Sequence[str], gone: Sequence[str]) -> RelocateError:
    shown = ", ".join(printable(name) for name in [*lacking, *gone][:5])
    msg = "{0}: {1} differ between {2} and {3} after the copy, such as {4}".format(
        pair.who, len(lacking) + len(gone), pair.side(pair.old), pair.side(pair.new), shown
    )
    return RelocateError(
        "media_not_copied", msg, "find what writes to either place, then run again: what has arrived is not sent again"
    )


def _key(pair: stores.Pair) -> str:
    """Return what stands for the target in the record."""
    store = pair.new
    return "/".join((store.server or "s3", store.bucket, store.prefix)) if store is not None else ""


def _claim(site: Site, options: Options, pair: stores.Pair, disk: str) -> None:
    """Make MEDIA_ROOT ours where objects come to a disk. Raises path_refused before anything is written."""
    if pair.new is not None:
        return
    owner = site.project.owner
    path = root.check_path(disk, options.directory, owner)
    claim = root.claim(path, owner, read_record(options.directory, options.site), False, options.skip)
    if claim.keep:
        raise RelocateError(
            "media_not_blank",
            "MEDIA_ROOT {0} holds files that did not come from old: they would be overwritten".format(path),
            "move them away, or set relocate_media_objects: leave",
        )
    root.make(path, owner)
    update_record(options.directory, options.site, lambda latest: replace(latest, media=claim.noted))


def _refuse_foreign(options: Options, pair: stores.Pair, wanted: Dict[str, Found], there: Dict[str, Found]) -> None:
    """Refuse a bucket that holds what we did not bring, then note it as ours. Raises media_not_blank."""
    key, record = _key(pair), read_record(options.directory, options.site)
    if not key:
        return
    found = difference(there, wanted)  # what of there is another one, or unknown, to old
    ours = key in record.media_filled and not record.has_served()
    if found.lacking and not ours:
        raise RelocateError(
            "media_not_blank",
            "{0} holds {1} objects that old does not have, such as {2}{3}".format(
                pair.side(pair.new),
                len(found.lacking),
                printable(found.lacking[0]),
                ", and the site has served with them here" if record.has_served() else "",
            ),
            "empty it, give new another bucket by relocate_env_overrides, or set relocate_media_objects: leave",
        )
    if key not in record.media_filled:
        filled = (*record.media_filled, key)
        update_record(options.directory, options.site, lambda latest: replace(latest, media_filled=filled))


def _maker(site: Site) -> Make:
    def make(source: Place, target: Place) -> Copy:
        return Copy(source, target, site.project.owner, site.secrets.write, site.secrets.scrub)

    return make
