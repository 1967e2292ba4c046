# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import apache, apache_modules, apache_syntax
from ansible_collections.relocate.django.plugins.module_utils._discover.found import WebSite
from tests.unit.plugins.module_utils._discover.held import HeldFiles

pytestmark = pytest.mark.slow

#: Debian's, without comments.
MAIN = """
DefaultRuntimeDir ${APACHE_RUN_DIR}
PidFile ${APACHE_PID_FILE}
User ${APACHE_RUN_USER}
Group ${APACHE_RUN_GROUP}
ErrorLog ${APACHE_LOG_DIR}/error.log
IncludeOptional mods-enabled/*.load
IncludeOptional mods-enabled/*.conf
Include ports.conf
<Directory />
	Options FollowSymLinks
	AllowOverride None
	Require all denied
</Directory>
<FilesMatch "^\\.ht">
	Require all denied
</FilesMatch>
LogFormat "%v:%p %h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" vhost_combined
IncludeOptional conf-enabled/*.conf
IncludeOptional sites-enabled/*.conf
"""
#: Says where httpd listens, for all sites; where it is as its package brought it, no site carries it.
LISTENING = "/etc/apache2/ports.conf"
PORTS = """
Listen 80

<IfModule ssl_module>
	Listen 443
</IfModule>

<IfModule mod_gnutls.c>
	Listen 444
</IfModule>
"""
ENVVARS = """
# envvars - default environment variables for apache2ctl
unset HOME
if [ "${APACHE_CONFDIR##/etc/apache2-}" != "${APACHE_CONFDIR}" ] ; then
	SUFFIX="-${APACHE_CONFDIR##/etc/apache2-}"
else
	SUFFIX=
fi
export APACHE_RUN_USER=www-data
export APACHE_RUN_GROUP=www-data
export APACHE_PID_FILE=/var/run/apache2$SUFFIX/apache2.pid
export APACHE_LOG_DIR=/var/log/apache2$SUFFIX
## The locale used by some modules like mod_dav
export LANG=C
export LANG
#. /etc/default/locale
APACHE_ULIMIT_MAX_FILES="ulimit -n $(cat /x)"
"""
MODULES = "wsgi ssl rewrite headers proxy proxy_http proxy_uwsgi proxy_balancer lbmethod_byrequests slotmem_shm expires"
HTTP, HTTPS = ("*", 80, False), ("*", 443, True)

#: As the package graphite-web brings it.
GRAPHITE = """
<VirtualHost *:80>

	WSGIDaemonProcess _graphite processes=5 display-name='%{GROUP}' inactivity-timeout=9 user=_graphite group=_graphite
	WSGIProcessGroup _graphite
	WSGIImportScript /usr/share/graphite-web/graphite.wsgi process-group=_graphite application-group=%{GLOBAL}
	WSGIScriptAlias / /usr/share/graphite-web/graphite.wsgi

	Alias /static/ /usr/share/graphite-web/static/
	<Location "/static/">
		SetHandler None
	</Location>

	ErrorLog ${APACHE_LOG_DIR}/graphite-web_error.log

</VirtualHost>
"""
#: As the package mailman3-web brings it, linked into conf-enabled.
MAILMAN = """
Alias /mailman3/favicon.ico /var/lib/mailman3/web/static/postorius/img/favicon.ico
Alias /mailman3/static      /var/lib/mailman3/web/static

<Directory "/var/lib/mailman3/web/static">
	Require all granted
</Directory>

<IfModule mod_proxy_uwsgi.c>
	ProxyPass /mailman3/favicon.ico !
	ProxyPass /mailman3/static !
	ProxyPass /mailman3 unix:/run/mailman3-web/uwsgi.sock|uwsgi://localhost/
</IfModule>
"""
#: As the documentation of NetBox has it.
NETBOX = """
<VirtualHost *:443>
    ProxyPreserveHost On

    # CHANGE THIS TO YOUR SERVER'S NAME
    ServerName netbox.example.com

    SSLEngine on
    SSLCertificateFile /etc/ssl/certs/netbox.crt
    SSLCertificateKeyFile /etc/ssl/private/netbox.key

    Alias /static /opt/netbox/netbox/static

    <Directory /opt/netbox/netbox/static>
        Options FollowSymLinks MultiViews
        AllowOverride None
        Require all granted
    </Directory>

    <Location /static>
        ProxyPass !
    </Location>

    RequestHeader set "X-Forwarded-Proto" expr=%{REQUEST_SCHEME}
    ProxyPass / http://127.0.0.1:8001/
    ProxyPassReverse / http://127.0.0.1:8001/
</VirtualHost>
"""
#: As certbot --apache leaves a site behind: the host for http, and its copy for https in a file of its own.
CERTBOT_HTTP = """
<VirtualHost *:80>
    ServerName shop.example.org
    ServerAlias www.shop.example.org *.shop.example.org
    DocumentRoot /srv/shop/public
    WSGIDaemonProcess shop python-home=/srv/shop/venv python-path=/srv/shop/app:/srv/shop/lib user=shop group=shop
    WSGIProcessGroup shop
    WSGIScriptAlias / /srv/shop/app/shop/wsgi.py
RewriteEngine on
RewriteCond %{SERVER_NAME} =shop.example.org [OR]
RewriteCond %{SERVER_NAME} =www.shop.example.org
RewriteRule ^ https://%{SERVER_NAME}%{REQUEST_URI} [END,NE,R=permanent]
</VirtualHost>
"""
CERTBOT_HTTPS = """
<IfModule mod_ssl.c>
<VirtualHost *:443>
    ServerName shop.example.org
    ServerAlias www.shop.example.org
    DocumentRoot /srv/shop/public
#    WSGIDaemonProcess shop python-home=/srv/shop/venv
    WSGIProcessGroup shop
    WSGIScriptAlias / /srv/shop/app/shop/wsgi.py
    Alias "/static/" "/srv/shop/static/"

SSLCertificateFile /etc/letsencrypt/live/shop.example.org/fullchain.pem
SSLCertificateKeyFile /etc/letsencrypt/live/shop.example.org/privkey.pem
Include /etc/letsencrypt/options-ssl-apache.conf
</VirtualHost>
</IfModule>
"""


def read(modules: str = MODULES, links: dict[str, str] | None = None, **texts: str) -> list[WebSite]:
    """Give the sites of a host with these files below /etc/apache2, by names such as sites_enabled__shop."""
    held = {"/etc/apache2/apache2.conf": MAIN, "/etc/apache2/ports.conf": PORTS}
    for name in modules.split():
        held[f"/etc/apache2/mods-enabled/{name}.load"] = (
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
        )
    for name, text in texts.items():
        path = name.replace("__", "/").replace("_enabled", "-enabled").replace("_available", "-available")
        held[f"/etc/apache2/{path}.conf"] = text
    held["/etc/letsencrypt/options-ssl-apache.conf"] = "SSLEngine on\nSSLProtocol all -SSLv2 -SSLv3\n"
    held["/etc/htpasswd"] = ""
    variables = apache_syntax.parse_environment(ENVVARS)
    return apache.sites(HeldFiles(held, links), "/etc/apache2/apache2.conf", "/etc/apache2", variables)


def loads(modules: str) -> list[str]:
    """Give the files by which Debian loads modules."""
    return [f"/etc/apache2/mods-enabled/{name}.load" for name in modules.split()]


def test_modules_that_others_depend_on_are_loaded_too() -> None:
    """As a2enmod reads it; what leads out of the directory is no module."""
    held = {
        "/etc/apache2/mods-enabled/ssl.load": "# Depends: setenvif  socache_shmcb\n# Depends: ssl ../x\nLoadModule a b",
        "/etc/apache2/mods-enabled/socache_shmcb.load": "#Depends: none\n",
        "/etc/apache2/mods-enabled/mime.load": "",
        "/etc/apache2/x.load": "",
    }
    found = list(apache_modules.links(["ssl"], "/etc/apache2", HeldFiles(held)))
    names = [path.rpartition("/")[2] for path in found]
    assert names == ["ssl.load", "ssl.conf", "socache_shmcb.load", "socache_shmcb.conf"]


def one(body: str, args: str = "*:80", before: str = "") -> WebSite:
    """Give the only virtual host, of which the text is inside its section."""
    [found] = read(sites_enabled__site=f"{before}\n<VirtualHost {args}>\n{body}\n</VirtualHost>\n")
    return found


def test_graphite() -> None:
    [site] = read(
        sites_available__graphite=GRAPHITE,
        links={"/etc/apache2/sites-enabled/graphite.conf": "../sites-available/graphite.conf"},
    )
    assert site == WebSite(
        server="apache",
        unit="apache2.service",
        default=True,
        ports=(HTTP,),
        directories=("/usr/share/graphite-web/static",),
        scripts=("/usr/share/graphite-web/graphite.wsgi",),
        mounts=(("/", "/usr/share/graphite-web/graphite.wsgi"),),
        user="_graphite",
        group="_graphite",
        modules=("wsgi",),
        files=(
            "/etc/apache2/sites-enabled/graphite.conf",
            "/etc/apache2/sites-available/graphite.conf",
            LISTENING,
            *loads("wsgi"),
        ),
    )


def test_what_stands_outside_of_virtual_hosts_counts_for_all() -> None:
    default, mailman = read(
        sites_enabled__default="<VirtualHost *:80>\nDocumentRoot /var/www/html\n</VirtualHost>",
        mailman3__apache=MAILMAN,
        links={"/etc/apache2/conf-enabled/mailman3-web.conf": "../mailman3/apache.conf"},
    )
    assert (default.directories, default.targets, default.default) == (("/var/www/html",), (), True)
    assert mailman == WebSite(
        server="apache",
        unit="apache2.service",
        default=True,
        ports=(HTTP, ("*", 443, False)),
        targets=("unix:/run/mailman3-web/uwsgi.sock",),
        mounts=(("/mailman3", "unix:/run/mailman3-web/uwsgi.sock"),),
        directories=("/var/lib/mailman3/web/static/postorius/img/favicon.ico", "/var/lib/mailman3/web/static"),
        modules=("proxy", "proxy_uwsgi"),
        files=(
            "/etc/apache2/conf-enabled/mailman3-web.conf",
            "/etc/apache2/mailman3/apache.conf",
            LISTENING,
            *loads("proxy proxy_uwsgi"),
        ),
    )
    [only] = read(
        modules="proxy",
        sites_enabled__default="<VirtualHost *:80>\nDocumentRoot /var/www/html\n</VirtualHost>",
        conf_enabled__mailman=MAILMAN,
    )
    assert only.directories == ("/var/www/html",)


def test_a_location_outside_of_virtual_hosts() -> None:
    [site] = read(conf_enabled__app="<Location /app>\nProxyPass http://127.0.0.1:8000/\n</Location>")
    assert (site.targets, site.mounts) == (("tcp:127.0.0.1:8000",), (("/app", "tcp:127.0.0.1:8000"),))


def test_netbox() -> None:
    [site] = read(sites_enabled__netbox=NETBOX)
    assert site == WebSite(
        server="apache",
        unit="apache2.service",
        names=("netbox.example.com",),
        default=True,
        ports=(HTTPS,),
        targets=("tcp:127.0.0.1:8001",),
        mounts=(("/", "tcp:127.0.0.1:8001"),),
        directories=("/opt/netbox/netbox/static",),
        modules=("headers", "proxy", "proxy_http", "ssl"),
        files=("/etc/apache2/sites-enabled/netbox.conf", LISTENING, *loads("headers proxy proxy_http ssl")),
        certificates=("/etc/ssl/certs/netbox.crt",),
        keys=("/etc/ssl/private/netbox.key",),
    )


def test_certbots_two_files() -> None:
    http, https = read(sites_enabled__shop=CERTBOT_HTTP, **{"sites_enabled__shop-le-ssl": CERTBOT_HTTPS})[::-1]
    assert (http.redirects, https.redirects) == (True, False)
    assert http.names == https.names == ("shop.example.org", "www.shop.example.org")
    assert https == replace(
        http,
        redirects=False,
        ports=(HTTPS,),
        directories=("/srv/shop/public", "/srv/shop/static"),
        modules=("ssl", "wsgi"),
        certificates=("/etc/letsencrypt/live/shop.example.org/fullchain.pem",),
        keys=("/etc/letsencrypt/live/shop.example.org/privkey.pem",),
        files=(
            "/etc/apache2/sites-enabled/shop-le-ssl.conf",
            "/etc/letsencrypt/options-ssl-apache.conf",
            "/etc/apache2/sites-enabled/shop.conf",
            LISTENING,
            *loads("ssl wsgi"),
        ),
    )
    assert (https.python_home, https.user, https.group) == ("/srv/shop/venv", "shop", "shop")
    assert https.python_path == ("/srv/shop/app", "/srv/shop/lib")


@pytest.mark.parametrize(
    ("line", "targets"),
    [
        ("ProxyPass / http://127.0.0.1:8000/", ("tcp:127.0.0.1:8000",)),
        ("proxypass / http://localhost:8000/ retry=0 timeout=60", ("tcp:127.0.0.1:8000",)),
        ('ProxyPass "/" "unix:/run/shop.sock|http://localhost/"', ("unix:/run/shop.sock",)),
        ("ProxyPass / unix:/run/uwsgi.sock|uwsgi://shop/", ("unix:/run/uwsgi.sock",)),
        ("ProxyPass / uwsgi://127.0.0.1:8001/", ("tcp:127.0.0.1:8001",)),
        ("ProxyPass / uwsgi://app/", ("tcp:app:3031",)),
        ("ProxyPass /ws ws://127.0.0.1:8002/ws", ("tcp:127.0.0.1:8002",)),
        ("ProxyPass / https://app.internal/", ("tcp:app.internal:443",)),
        ("ProxyPass / http://[::1]:8000/", ("tcp:[::1]:8000",)),
        ("ProxyPass /static !", ()),
        ("ProxyPassMatch ^/(.*)$ http://127.0.0.1:8000/$1", ("tcp:127.0.0.1:8000",)),
        ("ProxyPassReverse / http://127.0.0.1:8000/", ()),
        ("<Location />\nProxyPass http://127.0.0.1:8000/\n</Location>", ("tcp:127.0.0.1:8000",)),
        ("RewriteRule ^/(.*)$ http://127.0.0.1:8000/$1 [P,L]", ("tcp:127.0.0.1:8000",)),
        ("RewriteRule .* http://127.0.0.1:8000%{REQUEST_URI} [QSA,P]", ("tcp:127.0.0.1:8000",)),
        ("RewriteRule ^ unix:/run/shop.sock|http://localhost%{REQUEST_URI} [P]", ("unix:/run/shop.sock",)),
        ("RewriteRule ^/(.*)$ http://127.0.0.1:8000/$1 [R]", ()),
        ('SetHandler "proxy:unix:/run/php.sock|fcgi://localhost"', ("unix:/run/php.sock",)),
        ("ProxyPass / http://%{HTTP_HOST}/", ()),
        ("ProxyPass / unknown://x/", ()),
        ("ProxyPass", ()),
        (
            """<Proxy balancer://app>
                BalancerMember http://127.0.0.1:1
                BalancerMember http://127.0.0.1:2 route=b
            </Proxy>
            ProxyPass / balancer://app/""",
            ("tcp:127.0.0.1:1", "tcp:127.0.0.1:2"),
        ),
    ],
)
def test_targets(line: str, targets: tuple[str, ...]) -> None:
    assert one(line).targets == targets


@pytest.mark.parametrize(
    ("line", "mounts"),
    [
        ("ProxyPass /app http://a:1/", (("/app", "tcp:a:1"),)),
        ("<Location /app>\nProxyPass http://a:1/\n</Location>", (("/app", "tcp:a:1"),)),
        ("ProxyPassMatch ^/(.*)$ http://a:1/$1", (("/", "tcp:a:1"),)),
        ("ProxyPassMatch ^/x(.*)$ http://a:1/$1", ()),
        ("WSGIScriptAlias /app /srv/a/wsgi.py", (("/app", "/srv/a/wsgi.py"),)),
        ("WSGIScriptAliasMatch ^/x /srv/a/wsgi.py", ()),
    ],
)
def test_below_which_path_a_target_answers(line: str, mounts: tuple[tuple[str, str], ...]) -> None:
    assert one(line).mounts == mounts


def test_a_balancer_elsewhere_is_a_file_of_the_site() -> None:
    site = read(
        conf_enabled__app="BalancerMember balancer://app unix:/run/a.sock|http://a/\nBalancerMember balancer://app http://b:81",
        sites_enabled__a="<VirtualHost *:80>\nProxyPass / balancer://App/x\n</VirtualHost>",
    )[0]
    assert site.targets == ("unix:/run/a.sock", "tcp:b:81")
    assert site.modules == ("lbmethod_byrequests", "proxy", "proxy_balancer", "slotmem_shm")
    own = ("/etc/apache2/sites-enabled/a.conf", "/etc/apache2/conf-enabled/app.conf", LISTENING)
    assert site.files == (*own, *loads("lbmethod_byrequests proxy proxy_balancer slotmem_shm"))


@pytest.mark.parametrize(
    ("args", "engine", "ports"),
    [
        ("*:80", "", (HTTP,)),
        ("_default_:443", "SSLEngine on", (HTTPS,)),
        ("*:443", "", (HTTPS,)),
        ("*:443", "SSLEngine off", (("*", 443, False),)),
        ("*", "", (HTTP, HTTPS)),
        ("*:*", "", (HTTP, HTTPS)),
        ("192.0.2.1:80", "", (("192.0.2.1", 80, False),)),
        ("192.0.2.1:80 [2001:db8::1]:80", "", (("192.0.2.1", 80, False), ("[2001:db8::1]", 80, False))),
        ("*:80 *:443", "", (HTTP, HTTPS)),
        ("*:8443", "SSLEngine on", ()),
        ("[::]:80", "", (HTTP,)),
        ("", "", ()),
    ],
)
def test_ports(args: str, engine: str, ports: tuple[tuple[str, int, bool], ...]) -> None:
    assert one(engine, args).ports == ports


def test_httpd_listens_where_it_says() -> None:
    site = one(
        "ServerName a.org", "*:8080", before="Listen 127.0.0.1:8080\nListen [::]:8080\nListen 0.0.0.0:8081\nListen x"
    )
    assert site.ports == (("127.0.0.1", 8080, False), ("::", 8080, False))
    assert one("", "*:8443", before="Listen 8443 https").ports == (("*", 8443, True),)


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ("ServerName shop.example.org:80", ("shop.example.org",)),
        ("ServerName https://Shop.example.org:443", ("shop.example.org",)),
        ("ServerAlias a.org *.a.org b?.org\nServerName c.org\nServerAlias d.org a.org", ("c.org", "a.org", "d.org")),
        ("ServerName ${UNKNOWN}", ()),
        ("", ()),
    ],
)
def test_names(lines: str, names: tuple[str, ...]) -> None:
    assert one(lines).names == names


def test_the_first_host_of_an_address_is_its_default() -> None:
    text = "\n".join(
        f"<VirtualHost {args}>\nServerName {name}\n</VirtualHost>"
        for args, name in (("*:80", "a"), ("*:80", "b"), ("*:443", "c"), ("*:80 *:443", "d"))
    )
    assert [(site.names[0], site.default) for site in read(sites_enabled__x=text)] == [
        ("a", True),
        ("b", False),
        ("c", True),
        ("d", False),
    ]


@pytest.mark.parametrize(
    ("lines", "args", "redirects"),
    [
        ("Redirect permanent / https://shop.example.org/", "*:80", True),
        ("Redirect / https://shop.example.org/", "*:80", True),
        ("RedirectPermanent / https://shop.example.org/", "*:80", True),
        ("RedirectMatch 301 ^/(?!\\.well-known/acme-challenge/)(.*) https://shop.example.org/$1", "*:80", True),
        ("RedirectMatch ^/old(.*) https://shop.example.org/$1", "*:80", False),
        ("Redirect /old https://shop.example.org/", "*:80", False),
        ("Redirect gone /", "*:80", False),
        ("ProxyPass / http://a:1/\nRedirect / https://shop.example.org/", "*:80", False),
        (
            "RewriteEngine On\nRewriteCond %{HTTPS} off\nRewriteRule ^(.*)$ https://%{HTTP_HOST}$1 [R=301,L]",
            "*:80",
            True,
        ),
        (
            "RewriteEngine On\nRewriteCond %{HTTPS} !=on\nRewriteRule ^/?(.*) https://%{SERVER_NAME}/$1 [R,L]",
            "*:80",
            True,
        ),
        ("RewriteCond %{HTTPS} off\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R]", "*:443", False),
        (
            "RewriteCond %{REQUEST_URI} !^/\\.well-known/\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI}",
            "*:80",
            True,
        ),
        ("RewriteCond %{HTTP_HOST} ^www\\.\nRewriteRule ^ https://a.org%{REQUEST_URI} [R]", "*:80", False),
        (
            "RewriteCond %{REQUEST_URI} ^/x\nRewriteRule ^ /y\nRewriteRule ^ https://a.org%{REQUEST_URI} [R]",
            "*:80",
            True,
        ),
        ("RewriteRule ^/(.*)$ http://127.0.0.1:8000/$1 [P]", "*:80", False),
        ("RewriteRule ^", "*:80", False),
        ("DocumentRoot /var/www/html", "*:80", False),
    ],
)
def test_redirects(lines: str, args: str, redirects: bool) -> None:
    assert one(lines, args).redirects is redirects


@pytest.mark.parametrize(
    ("shared", "body", "expected"),
    [
        ("", "WSGIScriptAlias / /srv/a/wsgi.py", ("", (), "www-data")),
        (
            "WSGIPythonHome /srv/venv\nWSGIPythonPath /srv/a:/srv/b",
            "WSGIScriptAlias / /srv/a/wsgi.py",
            ("/srv/venv", ("/srv/a", "/srv/b"), "www-data"),
        ),
        (
            "WSGIDaemonProcess a python-home=/srv/venv python-path=/srv/a user=a\nWSGIPythonPath /other",
            "WSGIScriptAlias / /srv/a/wsgi.py process-group=a",
            ("/srv/venv", ("/srv/a",), "a"),
        ),
        (
            "WSGIPythonHome /srv/all\nWSGIDaemonProcess a user=a\nWSGIDaemonProcess b user=b",
            "WSGIScriptAlias / /srv/a/wsgi.py\n<Directory /srv/a>\nWSGIProcessGroup b\n</Directory>",
            ("/srv/all", (), "b"),
        ),
        (
            "WSGIDaemonProcess a python-home=/srv/venv",
            "WSGIProcessGroup %{GLOBAL}\nWSGIScriptAlias / /srv/a/wsgi.py",
            ("", (), "www-data"),
        ),
        (
            "WSGIDaemonProcess a 'python-home=/srv/my venv' python-path=relative:/srv/a",
            "WSGIProcessGroup a\nWSGIScriptAlias / /srv/a/wsgi.py",
            ("/srv/my venv", ("/srv/a",), "www-data"),
        ),
    ],
)
def test_what_mod_wsgi_runs(shared: str, body: str, expected: tuple[str, tuple[str, ...], str]) -> None:
    site = one(body, before=shared)
    assert site.scripts == ("/srv/a/wsgi.py",)
    assert (site.python_home, site.python_path, site.user) == expected


def test_files_that_a_site_names_or_uses() -> None:
    site = read(
        conf_enabled__vars="Define ROOT /srv/shop\nDefine UNUSED x",
        conf_enabled__wsgi="WSGIDaemonProcess shop python-home=${ROOT}/venv",
        snippets__tls="SSLOpenSSLConfCmd DHParameters /etc/htpasswd",
        sites_enabled__a="""<VirtualHost *:80>
            Include snippets/tls.conf
            DocumentRoot ${ROOT}/public
            WSGIProcessGroup shop
            WSGIScriptAlias / ${ROOT}/wsgi.py
            <Location /private>
                AuthType Basic
                AuthUserFile /etc/htpasswd
                AuthGroupFile /etc/absent
            </Location>
        </VirtualHost>""",
    )[0]
    assert (site.directories, site.python_home) == (("/srv/shop/public",), "/srv/shop/venv")
    assert site.files == (
        "/etc/apache2/sites-enabled/a.conf",
        "/etc/apache2/snippets/tls.conf",
        "/etc/htpasswd",
        "/etc/apache2/conf-enabled/wsgi.conf",
        "/etc/apache2/conf-enabled/vars.conf",
        LISTENING,
        *loads("ssl wsgi"),
    )


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("<IfModule mod_wsgi.c>\nSITE\n</IfModule>", True),
        ("<IfModule wsgi_module>\nSITE\n</IfModule>", True),
        ("<IfModule !mod_wsgi.c>\nSITE\n</IfModule>", False),
        ("<IfModule mod_absent.c>\nSITE\n</IfModule>", False),
        ("<IfModule mod_absent.c>\n<IfModule mod_wsgi.c>\nSITE\n</IfModule>\n</IfModule>", False),
        ("<IfModule mod_absent.c>\nDefine X\n</IfModule>\n<IfDefine X>\nSITE\n</IfDefine>", False),
        ("Define X\n<IfDefine X>\nSITE\n</IfDefine>", True),
        ("Define X\nUnDefine X\n<IfDefine X>\nSITE\n</IfDefine>", False),
        ("<IfDefine !X>\nSITE\n</IfDefine>", True),
        ("<IfVersion >= 2.4>\nSITE\n</IfVersion>", True),
        ("<IfVersion < 2.4>\nSITE\n</IfVersion>", False),
        ("<IfVersion 2.4>\nSITE\n</IfVersion>", True),
        ("<IfFile ports.conf>\nSITE\n</IfFile>", True),
        ("<IfFile /absent>\nSITE\n</IfFile>", False),
        ("<Macro H $n $p>\n<VirtualHost *:$p>\nServerName $n\n</VirtualHost>\n</Macro>\nUse H a.org 80", True),
        ("<Macro Host $name>\n<VirtualHost *:80>\nServerName $name\n</VirtualHost>\n</Macro>", False),
        ("<Macro M>\nUse M\n</Macro>\nUse M\nSITE", True),
        ("<VirtualHost \\\n *:80>\nServer\\\nName a.org\n</VirtualHost>", True),
        ("# a comment \\\nSITE", False),
        ("</VirtualHost>\nSITE", True),
        ("SITE\n<Directory /x", True),
        ("<VirtualHost *:80>\nServerName 'a.org", True),
        ("<virtualhost *:80>\r\nSERVERNAME \"a.org\"\r\n</virtualhost>\r\n", True),
        ("Include sites-enabled/\nSITE", True),
    ],
)  # fmt: skip
def test_conditions_and_odd_texts(text: str, there: bool) -> None:
    text = text.replace("SITE", "<VirtualHost *:80>\nServerName a.org\n</VirtualHost>")
    found = [site.names for site in read(sites_enabled__x=text)]
    assert (("a.org",) in found) is there


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (r"a  b\tc", ["a", r"b\tc"]),
        (r"""'a b' "c d" e"f""", ["a b", "c d", 'e"f']),
        (r'"a \" \x b" c', [r'a " \x b', "c"]),
        (r"'a \' \" b'", [r"""a ' \" b"""]),
        (r"\"x\"", [r"\"x\""]),
        ("'a\tb'\tc", ["a\tb", "c"]),
        (r"a\\b", ["a\\b"]),
        ("${V} ${U} ${V}${V}", ["val", "${U}", "valval"]),
        (r"\${V} ${x${V} $V ${V", [r"\val", "${x${V}", "$V", "${V"]),
        ("'${V", ["${V"]),
    ],
)
def test_words_as_httpd_reads_them(line: str, expected: list[str]) -> None:
    """What it does with such lines was seen in its DUMP_VHOSTS."""
    held = HeldFiles({"/a.conf": f"Define V val\nServerAlias\t{line}"})
    [_define, found] = apache_syntax.Loader(held, "/").load("/a.conf")
    assert (found.name, list(found.args)) == ("serveralias", expected)


def test_certificates_of_the_server_count_for_its_hosts() -> None:
    shared = "SSLCertificateFile ssl/all.pem\nSSLCertificateChainFile /etc/ssl/chain.pem"
    site = one("SSLEngine on", "*:443", before=shared)
    assert (site.certificates, site.keys) == (
        ("/etc/apache2/ssl/all.pem", "/etc/ssl/chain.pem"),
        ("/etc/apache2/ssl/all.pem",),
    )
    assert one("", "*:80", before=shared).certificates == ()


def _calling(name: str, other: str) -> str:
    """Give a macro that uses another one often, with a longer value each time."""
    return f"<Macro {name} $x>\n" + f"Use {other} $x$x\n" * 100 + "</Macro>\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("deep", "<A>\n" * 100_000),
        ("macros", _calling("A", "B") + _calling("B", "A") + "Use A y"),
        ("quotes", 'A " \\" ' * 100_000),
        ("joined", "a \\\n" * 200_000),
        ("variables", "X ${A" * 100_000),
        ("includes", "Include sites-enabled/*.conf\n" * 2000),
        ("define", "Define A x\n" + "Define A ${A}${A}\n" * 60),
    ],
)  # fmt: skip
def test_hostile_texts_take_no_time(name: str, text: str) -> None:
    started = time.process_time()
    read(sites_enabled__x=text)
    assert time.process_time() - started < 30, name


def test_red_hats_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    held = HeldFiles(
        {
            "/etc/httpd/conf/httpd.conf": """ServerRoot "/etc/httpd"
                Listen 80
                Include conf.modules.d/*.conf
                User apache
                Group apache
                DocumentRoot "/var/www/html"
                IncludeOptional conf.d/*.conf""",
            "/etc/httpd/conf.modules.d/10-wsgi.conf": "LoadModule wsgi_module modules/mod_wsgi_python3.so",
            "/etc/httpd/conf.d/shop.conf": """<IfModule mod_wsgi.c>
                WSGIScriptAlias / /srv/shop/wsgi.py
            </IfModule>""",
        }
    )
    monkeypatch.setattr(apache, "ConfigFiles", lambda: held)
    [site] = apache.find()
    assert (site.unit, site.scripts, site.user, site.modules) == (
        "httpd.service",
        ("/srv/shop/wsgi.py",),
        "apache",
        ("wsgi",),
    )
    assert site.files == ("/etc/httpd/conf.d/shop.conf",)
    monkeypatch.setattr(apache, "ConfigFiles", lambda: HeldFiles({}))
    assert apache.find() == []


def test_the_environment_is_not_run() -> None:
    found = apache_syntax.parse_environment(ENVVARS)
    assert found["APACHE_LOG_DIR"] == "/var/log/apache2"
    assert found["APACHE_RUN_USER"] == "www-data"
    assert "APACHE_ULIMIT_MAX_FILES" not in found


@pytest.mark.parametrize(
    ("shared", "body", "logs"),
    [
        ("", "CustomLog /var/log/apache2/shop.log combined", ("/var/log/apache2/shop.log",)),
        ("CustomLog /var/log/all.log common", "", ("/var/log/all.log",)),
        ("CustomLog /var/log/all.log common", "TransferLog logs/x", ("/etc/apache2/logs/x",)),
        ("", 'CustomLog "|/usr/bin/rotatelogs /var/log/x 86400" combined', ()),
        ("", "", ()),
    ],
)
def test_where_requests_are_logged(shared: str, body: str, logs: tuple[str, ...]) -> None:
    assert one(body, before=shared + "\n").logs == logs
