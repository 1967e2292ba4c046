# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often migration_lint is right: run over the migrations of public packages, held against what reading them says.

``python benchmarks/migrations.py DIRECTORY``: each suite of packages is installed in a virtual environment below the
directory (about 3 GB), where it is not there already, and its migrations are read. ``migrations.tsv`` holds what was
judged by reading: whether a finding is true, and whether sampled migrations without one lack it rightly. The
table of ``docs/migration_lint.md`` is printed; findings that nobody has judged are listed with file and line.
``missing_migration`` is left out: whether there is one hangs on the settings that are made up here.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "build" / "collections"))

from ansible_collections.relocate.django.plugins.module_utils._project import lint
from ansible_collections.relocate.django.plugins.module_utils._project.project import find_project

JUDGED = Path(__file__).with_name("migrations.tsv")
OPEN = "-"  # the code of a sampled migration that nothing is said about
BASE = """
import os
SECRET_KEY = "k"
USE_TZ = True
SITE_ID = 1
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
ROOT_URLCONF = "urls"
MIDDLEWARE = []
PROCESSORS = ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
              "OPTIONS": {"context_processors": PROCESSORS + ["sekizai.context_processors.sekizai"]}}]
CONTRIB = ["django.contrib." + name for name in "admin auth contenttypes sessions messages staticfiles sites".split()]
"""
MANAGE = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'corpus_settings')\n"


@dataclass(frozen=True)
class Suite:
    """Packages that live in one environment: what is installed, the settings, and the apps' labels that are read."""

    requirements: str
    settings: str  # lines of a settings module, after BASE; or the name of the packages' own one
    ignored: str = ""  # labels that are not the packages' own
    own: bool = False  # settings names a module
    environment: dict[str, str] = field(default_factory=dict)
    path: str = ""  # below site-packages, to be imported from


SUITES = {
    "a": Suite(
        "Django~=5.2.0 wagtail==8.0.1 django-allauth==65.22.1 django-cms==5.1.3 django-taggit==6.1.0"
        " djangorestframework==3.18.3 django-celery-beat==2.9.0 django-celery-results==2.6.0 django-axes==8.3.1"
        " django-oauth-toolkit==3.4.1 easy-thumbnails==2.10.1 django-filer==3.6.0 django-guardian==3.5.2"
        " django-reversion==6.4.0 django-waffle==5.0.0 django-q2==1.11.1 social-auth-app-django==8.0.0"
        " django-constance==4.4.0 django-otp==1.7.5 wiki==0.13.0 django-post-office==3.12.0 dj-stripe==2.11.0"
        " django-silk==5.6.0 django-push-notifications==3.3.0 django-cities-light==3.11 django-newsletter==1.2.1"
        " djangocms-text==1.0.2 django-oscar==4.2.1 sorl-thumbnail==13.4.0",
        """
from oscar.defaults import *
import oscar
INSTALLED_APPS = CONTRIB + '''
django.contrib.flatpages django.contrib.humanize
wagtail.contrib.forms wagtail.contrib.redirects wagtail.contrib.search_promotions wagtail.embeds wagtail.users
wagtail.documents wagtail.images wagtail.search modelsearch wagtail.admin wagtail modelcluster taggit
allauth allauth.account
allauth.socialaccount allauth.mfa allauth.usersessions rest_framework rest_framework.authtoken django_celery_beat
django_celery_results axes oauth2_provider easy_thumbnails filer mptt guardian reversion waffle django_q social_django
constance constance.backends.database django_otp django_otp.plugins.otp_email django_otp.plugins.otp_hotp
django_otp.plugins.otp_static django_otp.plugins.otp_totp post_office djstripe silk push_notifications
cities_light newsletter sorl.thumbnail cms menus treebeard sekizai djangocms_text django_nyt wiki
wiki.plugins.attachments wiki.plugins.images wiki.plugins.notifications
oscar.config.Shop oscar.apps.analytics.apps.AnalyticsConfig oscar.apps.checkout.apps.CheckoutConfig
oscar.apps.address.apps.AddressConfig oscar.apps.shipping.apps.ShippingConfig
oscar.apps.catalogue.apps.CatalogueConfig oscar.apps.catalogue.reviews.apps.CatalogueReviewsConfig
oscar.apps.communication.apps.CommunicationConfig oscar.apps.partner.apps.PartnerConfig
oscar.apps.basket.apps.BasketConfig oscar.apps.payment.apps.PaymentConfig oscar.apps.offer.apps.OfferConfig
oscar.apps.order.apps.OrderConfig oscar.apps.customer.apps.CustomerConfig oscar.apps.search.apps.SearchConfig
oscar.apps.voucher.apps.VoucherConfig oscar.apps.wishlists.apps.WishlistsConfig
oscar.apps.dashboard.apps.DashboardConfig oscar.apps.dashboard.reports.apps.ReportsDashboardConfig
oscar.apps.dashboard.users.apps.UsersDashboardConfig oscar.apps.dashboard.orders.apps.OrdersDashboardConfig
oscar.apps.dashboard.catalogue.apps.CatalogueDashboardConfig oscar.apps.dashboard.offers.apps.OffersDashboardConfig
oscar.apps.dashboard.partners.apps.PartnersDashboardConfig oscar.apps.dashboard.pages.apps.PagesDashboardConfig
oscar.apps.dashboard.ranges.apps.RangesDashboardConfig oscar.apps.dashboard.reviews.apps.ReviewsDashboardConfig
oscar.apps.dashboard.vouchers.apps.VouchersDashboardConfig
oscar.apps.dashboard.communications.apps.CommunicationsDashboardConfig
oscar.apps.dashboard.shipping.apps.ShippingDashboardConfig haystack treebeard sorl.thumbnail django_tables2'''.split()
INSTALLED_APPS = list(dict.fromkeys(INSTALLED_APPS))
WAGTAIL_SITE_NAME = "x"
MIDDLEWARE = ["allauth.account.middleware.AccountMiddleware"]
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
CMS_CONFIRM_VERSION4 = True
Q_CLUSTER = {"name": "q"}
STRIPE_TEST_SECRET_KEY = "sk_test_1"
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
STATIC_URL = "/static/"
CMS_TEMPLATES = [("a.html", "a")]
""",
    ),
    "b": Suite(
        "Django~=4.2.0 mezzanine==6.1.1 cartridge==1.3.4 django-machina==1.3.1 django-notifications-hq==1.8.3"
        " setuptools==75.8.0",
        """
INSTALLED_APPS = CONTRIB + '''django.contrib.redirects django_comments
mezzanine.boot mezzanine.conf mezzanine.core
mezzanine.generic mezzanine.pages cartridge.shop mezzanine.blog mezzanine.forms mezzanine.galleries mezzanine.twitter
notifications mptt machina machina.apps.forum machina.apps.forum_conversation
machina.apps.forum_conversation.forum_attachments machina.apps.forum_conversation.forum_polls machina.apps.forum_feeds
machina.apps.forum_moderation machina.apps.forum_search machina.apps.forum_tracking machina.apps.forum_member
machina.apps.forum_permission'''.split()
PACKAGE_NAME_FILEBROWSER = "filebrowser_safe"
PACKAGE_NAME_GRAPPELLI = "grappelli_safe"
STATIC_URL = "/static/"
MEDIA_URL = "/media/"
MEDIA_ROOT = "media"
""",
    ),
    "c": Suite("pretix==2026.8.0", "pretix.settings", own=True),
    "d": Suite("pretalx==2026.2.1", "pretalx.settings", own=True),
    "e": Suite("label-studio==1.23.2", "core.settings.label_studio", own=True, path="label_studio"),
    "f": Suite("kolibri==0.19.5", "kolibri.deployment.default.settings.base", own=True, path="kolibri/dist"),
    "g": Suite(
        "pulpcore==3.123.1",
        "pulpcore.app.settings",
        own=True,
        environment={
            "PULP_SECRET_KEY": "k",
            "PULP_CONTENT_ORIGIN": "http://localhost",
            "PULP_DATABASES__default__ENGINE": "django.db.backends.postgresql",
            "PULP_DB_ENCRYPTION_KEY": "KEY",  # a file that is made
        },
    ),
}
#: Apps that come with Django, or only for the tests of a package.
OTHERS = ("admin", "auth", "contenttypes", "sessions", "sites", "flatpages", "redirects")


def installed(name: str, suite: Suite, directory: Path) -> Path:
    """Return the interpreter of a suite's environment, which is made when it is not there."""
    venv = directory / name / "venv"
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *suite.requirements.split()], check=True)
    return python


def made(name: str, suite: Suite, directory: Path, python: Path) -> tuple[Path, dict[str, str]]:
    """Write the project that has the packages' apps; return it with its environment."""
    project = directory / name / "project"
    project.mkdir(parents=True, exist_ok=True)
    settings = suite.settings if suite.own else "corpus_settings"
    packages = next((directory / name / "venv" / "lib").glob("python3*/site-packages"))
    (project / "manage.py").write_text(MANAGE.replace("corpus_settings", settings))
    (project / "key").write_text("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=\n")  # what pulpcore encrypts with
    environment = {key: str(project / "key") if value == "KEY" else value for key, value in suite.environment.items()}
    if suite.path:
        environment["PYTHONPATH"] = str(packages / suite.path)
    (project / "corpus_settings.py").write_text(BASE + suite.settings if not suite.own else "")
    (project / "urls.py").write_text("urlpatterns = []\n")
    return project, environment


def labels_of(project: Path, environment: dict[str, str], python: Path) -> list[str]:
    """Return the labels of the apps that have migrations, but for Django's own."""
    text = (
        "exec(open('manage.py').read()); import django, json; django.setup(); from django.apps import apps;"
        "from django.db.migrations.loader import MigrationLoader as M; loader = M(None, ignore_no_migrations=True);"
        "print('labels:' + json.dumps(sorted({a for a, _ in loader.disk_migrations})));"
        "print('count:' + json.dumps(sorted('.'.join(k) for k in loader.disk_migrations)))"
    )
    environment = {**os.environ, **environment}
    done = subprocess.run(
        [python, "-c", text], cwd=project, capture_output=True, text=True, env=environment, check=False
    )
    lines = {line.partition(":")[0]: line.partition(":")[2] for line in done.stdout.splitlines()}
    if "labels" not in lines:
        raise SystemExit(done.stderr[-2000:])
    (project / "all.json").write_text(lines["count"])
    found: list[str] = json.loads(lines["labels"])
    return [label for label in found if label not in OTHERS]


def judged() -> dict[tuple[str, str, str], str]:
    """Return the verdict on each finding and each sampled migration, by suite, migration and code."""
    with JUDGED.open(newline="") as stream:
        rows = [row for row in csv.reader(stream, delimiter="\t") if row and not row[0].startswith("#")]
    return {(row[0], row[1], row[2]): row[3] for row in rows}


def table(found: list[tuple[str, str, str]], verdicts: dict[tuple[str, str, str], str]) -> list[str]:
    """Return the lines: of each code the findings, those that are true, those that were missed."""
    lines = ["| code | findings | true | missed | precision | recall |", "| --- | --- | --- | --- | --- | --- |"]
    true_of = Counter(key[2] for key in found if verdicts.get(key) == "true")
    of = Counter(key[2] for key in found)
    missed = Counter(key[2] for key, verdict in verdicts.items() if verdict == "missed" and key not in found)
    for code in [*sorted({*of, *missed} - {OPEN}), ""]:
        every, true, lost = (
            (of[code], true_of[code], missed[code]) if code else (of.total(), true_of.total(), missed.total())
        )
        shares = " | ".join(f"{100 * true / max(1, whole):.0f} %" for whole in (every, true + lost))
        lines.append(f"| {f'`{code}`' if code else 'all'} | {every} | {true} | {lost} | {shares} |")
    return lines


def main() -> None:
    """Read every suite and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--suite", action="append", choices=list(SUITES))
    options = parser.parse_args()
    found: list[tuple[str, str, str]] = []
    verdicts = judged()
    for name in options.suite or SUITES:
        suite = SUITES[name]
        python = installed(name, suite, options.directory)
        path, environment = made(name, suite, options.directory, python)
        labels = labels_of(path, environment, python)
        begun = time.monotonic()
        project = find_project(str(path), str(python), env=environment, allow_root=True)
        findings = [item for item in lint.lint(project, labels) if item["code"] != "missing_migration"]
        seconds = time.monotonic() - begun
        total = [node for node in json.loads((path / "all.json").read_text()) if node.partition(".")[0] in labels]
        print(f"{name}: {len(labels)} apps, {len(total)} migrations, {len(findings)} findings, {seconds:.1f} s")
        (options.directory / f"{name}.json").write_text(json.dumps(findings, indent=1))
        for item in findings:
            key = (name, f"{item['app']}.{item['migration']}", item["code"])
            found.append(key)
            if key not in verdicts:
                print(f"not judged: {item['file']}:{item['line']} {item['code']} {item['msg']}")
    print("\n".join(table(found, verdicts)))


if __name__ == "__main__":
    main()
