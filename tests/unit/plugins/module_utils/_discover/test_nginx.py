# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import nginx, nginx_redirects
from ansible_collections.relocate.django.plugins.module_utils._discover.directives import nested
from ansible_collections.relocate.django.plugins.module_utils._discover.found import WebSite
from ansible_collections.relocate.django.plugins.module_utils._discover.nginx_syntax import Loader
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed
from tests.unit.plugins.module_utils._discover.held import HeldFiles

pytestmark = pytest.mark.slow

#: Debian's, without comments.
MAIN = """
user www-data;
pid /run/nginx.pid;
include /etc/nginx/modules-enabled/*.conf;
events { worker_connections 768; }
http {
    sendfile on;
    include /etc/nginx/mime.types;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; # Dropping SSLv3, ref: POODLE
    gzip on;
    include /etc/nginx/conf.d/*.conf;
    include /etc/nginx/sites-enabled/*;
}
"""
#: Debian's, as it comes.
DEFAULT = """
server {
    listen 80 default_server;
    listen [::]:80 default_server;
    root /var/www/html;
    index index.html index.htm index.nginx-debian.html;
    server_name _;
    location / { try_files $uri $uri/ =404; }
}
"""
#: As certbot --nginx leaves a site behind.
CERTBOT = """
upstream shop { server unix:/run/shop/shop.sock fail_timeout=0; }
server {
    server_name shop.example.org www.shop.example.org;
    client_max_body_size 20M;
    location = /favicon.ico { access_log off; log_not_found off; }
    location /static/ { alias /srv/shop/static/; }
    location /media/ { alias /srv/shop/media/; }
    location / {
        include proxy_params;
        proxy_pass http://shop;
    }

    listen [::]:443 ssl ipv6only=on; # managed by Certbot
    listen 443 ssl; # managed by Certbot
    ssl_certificate /etc/letsencrypt/live/shop.example.org/fullchain.pem; # managed by Certbot
    ssl_certificate_key /etc/letsencrypt/live/shop.example.org/privkey.pem; # managed by Certbot
    include /etc/letsencrypt/options-ssl-nginx.conf; # managed by Certbot
    ssl_dhparam /etc/letsencrypt/ssl-dhparams.pem; # managed by Certbot
}
server {
    if ($host = www.shop.example.org) {
        return 301 https://$host$request_uri;
    } # managed by Certbot
    if ($host = shop.example.org) {
        return 301 https://$host$request_uri;
    } # managed by Certbot
    listen 80;
    listen [::]:80;
    server_name shop.example.org www.shop.example.org;
    return 404; # managed by Certbot
}
"""
OTHERS = {
    "/etc/nginx/mime.types": "types { text/html html htm; }",
    "/etc/nginx/proxy_params": "proxy_set_header Host $http_host;\n",
    "/etc/nginx/uwsgi_params": "uwsgi_param QUERY_STRING $query_string;",
    "/etc/letsencrypt/options-ssl-nginx.conf": 'ssl_ciphers "ECDHE-ECDSA-AES128-GCM-SHA256:!aNULL";',
    "/etc/letsencrypt/ssl-dhparams.pem": "",
}


def read(text: str, main: str = MAIN, **more: str) -> list[WebSite]:
    """Give the sites of a host with one file in conf.d, and others by names such as conf_d__upgrade."""
    held = {"/etc/nginx/nginx.conf": main, "/etc/nginx/conf.d/site.conf": text, **OTHERS}
    held.update(
        {"/etc/nginx/" + name.replace("__", "/").replace("conf_d", "conf.d"): body for name, body in more.items()}
    )
    return nginx.sites(HeldFiles(held), "/etc/nginx/nginx.conf")


def one(body: str, before: str = "", **more: str) -> WebSite:
    """Give the only site, of which the text is inside its braces."""
    [found] = read(before + "server {" + body + "}", **more)
    return found


def test_a_site_as_debian_and_certbot_have_it() -> None:
    texts = {"/etc/nginx/nginx.conf": MAIN, "/etc/nginx/sites-available/default": DEFAULT, **OTHERS}
    texts["/etc/nginx/sites-available/shop"] = CERTBOT
    links = {f"/etc/nginx/sites-enabled/{name}": f"../sites-available/{name}" for name in ("default", "shop")}
    default, secure, plain = nginx.sites(HeldFiles(texts, links), "/etc/nginx/nginx.conf")
    assert default == WebSite(
        server="nginx",
        unit="nginx.service",
        default=True,
        default_for=(("*", 80), ("::", 80)),
        ports=(("*", 80, False), ("::", 80, False)),
        directories=("/var/www/html",),
        files=("/etc/nginx/sites-enabled/default", "/etc/nginx/sites-available/default"),
    )
    assert secure == WebSite(
        server="nginx",
        unit="nginx.service",
        names=("shop.example.org", "www.shop.example.org"),
        default=True,
        ports=(("::", 443, True), ("*", 443, True)),
        targets=("unix:/run/shop/shop.sock",),
        mounts=(("/", "unix:/run/shop/shop.sock"),),
        directories=("/srv/shop/static", "/srv/shop/media"),
        files=(
            "/etc/nginx/sites-enabled/shop",
            "/etc/nginx/sites-available/shop",
            "/etc/nginx/proxy_params",
            "/etc/letsencrypt/options-ssl-nginx.conf",
            "/etc/letsencrypt/ssl-dhparams.pem",
        ),
        certificates=("/etc/letsencrypt/live/shop.example.org/fullchain.pem",),
        keys=("/etc/letsencrypt/live/shop.example.org/privkey.pem",),
    )
    assert (plain.redirects, plain.default, plain.names) == (True, False, secure.names)
    assert plain.certificates == ()


@pytest.mark.parametrize(
    ("listen", "ports"),
    [
        ("", (("*", 80, False),)),
        ("listen 80;", (("*", 80, False),)),
        ("listen *:8080;", (("*", 8080, False),)),
        ("listen 0.0.0.0:8080;", (("*", 8080, False),)),
        ("listen 127.0.0.1:8080;", (("127.0.0.1", 8080, False),)),
        ("listen 192.0.2.1;", (("192.0.2.1", 80, False),)),
        ("listen localhost:81;", (("localhost", 81, False),)),
        ("listen 443 ssl http2;", (("*", 443, True),)),
        ("listen [::]:443 ssl http2 ipv6only=off;", (("*", 443, True),)),
        ("listen [::1]:80;", (("[::1]", 80, False),)),
        ("listen 443 quic reuseport; listen 443 ssl;", (("*", 443, True),)),
        ("listen 443; ssl on;", (("*", 443, True),)),
        ("listen unix:/run/nginx.sock; ", ()),
        ("listen 80; listen unix:/run/x.sock ssl;", (("*", 80, False),)),
        ("listen nonsense:port;", ()),
        ("listen ${PORT};", ()),
    ],
)
def test_listens(listen: str, ports: tuple[tuple[str, int, bool], ...]) -> None:
    assert one(listen).ports == ports


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("shop.example.org", ("shop.example.org",)),
        ("Shop.Example.ORG www.shop.example.org shop.example.org", ("shop.example.org", "www.shop.example.org")),
        ("*.example.org example.* _ __ \"\" '' -- !@#", ()),
        (".example.org", ("example.org",)),
        (r'~^(?<user>.+)\.example\.org$ "~^\d{2}$" $hostname', ()),
        ("192.0.2.1 localhost my_app", ("192.0.2.1", "localhost", "my_app")),
    ],
)
def test_names(words: str, names: tuple[str, ...]) -> None:
    assert one(f"server_name {words};").names == names


@pytest.mark.parametrize(
    ("statement", "targets"),
    [
        ("proxy_pass http://127.0.0.1:8000;", ("tcp:127.0.0.1:8000",)),
        ("proxy_pass http://127.0.0.1:8000/;", ("tcp:127.0.0.1:8000",)),
        ("proxy_pass http://127.0.0.1:8000$request_uri;", ("tcp:127.0.0.1:8000",)),
        ("proxy_pass http://localhost:8000;", ("tcp:127.0.0.1:8000",)),
        ("proxy_pass http://0.0.0.0:8000;", ("tcp:127.0.0.1:8000",)),
        ("proxy_pass http://[::1]:8000;", ("tcp:[::1]:8000",)),
        ("proxy_pass http://app.internal;", ("tcp:app.internal:80",)),
        ("proxy_pass https://app.internal/x/;", ("tcp:app.internal:443",)),
        ("proxy_pass http://unix:/run/shop.sock;", ("unix:/run/shop.sock",)),
        ("proxy_pass http://unix:/run/shop.sock:/;", ("unix:/run/shop.sock",)),
        ('proxy_pass "http://unix:/run/shop.sock:/x$request_uri";', ("unix:/run/shop.sock",)),
        ("uwsgi_pass unix:///run/uwsgi/shop.sock;", ("unix:/run/uwsgi/shop.sock",)),
        ("uwsgi_pass unix:/run/uwsgi/shop.sock;", ("unix:/run/uwsgi/shop.sock",)),
        ("uwsgi_pass 127.0.0.1:3031;", ("tcp:127.0.0.1:3031",)),
        ("uwsgi_pass uwsgi://127.0.0.1:3031;", ("tcp:127.0.0.1:3031",)),
        ("fastcgi_pass unix:/run/php.sock;", ("unix:/run/php.sock",)),
        ("grpc_pass grpc://127.0.0.1:50051;", ("tcp:127.0.0.1:50051",)),
        ("scgi_pass localhost:4000;", ("tcp:127.0.0.1:4000",)),
        ("proxy_pass http://$host;", ()),
        ("proxy_pass $backend;", ()),
        ("proxy_pass http://unix:/run/$name.sock;", ()),
        ("set $app http://127.0.0.1:8000; proxy_pass $app;", ("tcp:127.0.0.1:8000",)),
        ("set $app web; proxy_pass http://${app}:8000;", ("tcp:web:8000",)),
        ("set $app a; if ($x) { set $app b; } proxy_pass http://$app:8000;", ("tcp:a:8000", "tcp:b:8000")),
        ("set $app $http_x; proxy_pass http://$app;", ()),
        ("set $a x; set $b $a; proxy_pass http://$b;", ()),
        ("uwsgi_pass no_such_upstream;", ()),
        ("proxy_pass;", ()),
        ("memcached_pass 127.0.0.1:11211;", ()),
    ],
)
def test_targets(statement: str, targets: tuple[str, ...]) -> None:
    assert one("location / { " + statement + " }").targets == targets


def test_an_upstream_is_all_its_servers() -> None:
    upstream = """upstream app { least_conn; keepalive 8; zone app 64k;
        server unix:///run/a.sock weight=2; server 127.0.0.1:8001; server b.internal; server 10.0.0.9:1 down; }"""
    expected = ("unix:/run/a.sock", "tcp:127.0.0.1:8001", "tcp:b.internal:80")
    for statement in (
        "proxy_pass http://app;",
        "proxy_pass http://app/x/;",
        "uwsgi_pass app;",
        "set $u app; uwsgi_pass $u;",
    ):
        assert one("location / {" + statement + "}", before=upstream).targets == expected


@pytest.mark.parametrize(
    ("body", "redirects"),
    [
        ("return 301 https://$host$request_uri;", True),
        ("return https://$host$request_uri;", True),
        ("return 302 /elsewhere/;", True),
        ("rewrite ^ https://$server_name$request_uri? permanent;", True),
        ("rewrite ^/(.*)$ https://shop.example.org/$1;", True),
        ("location / { return 301 https://$host$request_uri; }", True),
        (
            """location ^~ /.well-known/acme-challenge/ { root /var/www/letsencrypt; }
            location / { return 301 https://$host$request_uri; }""",
            True,
        ),
        ("if ($scheme != https) { return 301 https://$host$request_uri; } return 404;", True),
        ("if ($host = a.org) { return 301 https://$host$request_uri; }", True),
        ("return 301 https://$host$request_uri; location / { proxy_pass http://127.0.0.1:8000; }", True),
        ("return 404;", False),
        ("return 503;", False),
        ("root /var/www/html;", False),
        ("location / { return 301 /app/; } location /app/ { proxy_pass http://127.0.0.1:8000; }", False),
        ("location / { return 301 /app/; } location /app/ { alias /srv/app/; }", False),
        (
            "if ($host = www.a.org) { return 301 https://a.org$request_uri; } location / { proxy_pass http://a:1; }",
            False,
        ),
        ("if ($host = www.a.org) { return 301 https://a.org$request_uri; } root /srv/www;", False),
        ("location /old { return 301 /new; } location / { uwsgi_pass unix:/run/a.sock; }", False),
        ("location /old { return 301 /new; } root /srv/www;", False),
        ("rewrite ^/old$ https://a.org/new permanent; root /srv/www;", False),
        ("return;", False),
        ("", False),
    ],
)
def test_redirects(body: str, redirects: bool) -> None:
    assert one(body).redirects is redirects


@pytest.mark.parametrize(
    ("body", "mounts"),
    [
        ("location / { proxy_pass http://a:1; }", (("/", "tcp:a:1"),)),
        ("location /app/ { uwsgi_pass a:1; }", (("/app/", "tcp:a:1"),)),
        ("location ^~ /app { if ($x) { proxy_pass http://a:1; } }", (("/app", "tcp:a:1"),)),
        ("location = /x { proxy_pass http://a:1; }", (("/x", "tcp:a:1"),)),
        ("location / { try_files $uri @app; } location @app { proxy_pass http://a:1; }", (("/", "tcp:a:1"),)),
        ("location ~ ^/(api|admin)/ { proxy_pass http://a:1; }", ()),
        (
            "location / { location /in { proxy_pass http://a:1; } proxy_pass http://b:1; }",
            (("/in", "tcp:a:1"), ("/", "tcp:b:1")),
        ),
    ],
)
def test_below_which_path_a_target_answers(body: str, mounts: tuple[tuple[str, str], ...]) -> None:
    site = one(body)
    assert site.mounts == mounts
    assert site.targets == tuple(target for _path, target in mounts) or not mounts


def test_a_map_leads_to_all_its_values() -> None:
    before = """upstream blue { server unix:/run/blue.sock; }
        map $cookie_slot $slot { volatile; default blue; green http://127.0.0.1:8001; mine $http_x; }"""
    assert one("location / { proxy_pass http://$slot; }", before=before).targets == ("unix:/run/blue.sock",)
    assert one("location / { uwsgi_pass $slot; }", before=before).targets == (
        "unix:/run/blue.sock",
        "tcp:127.0.0.1:8001",
    )


def test_directories() -> None:
    body = """root html;
        location /static { alias /srv/shop/static/; } location /m { root /srv/shop/; }
        location ~ ^/u/(.+)$ { alias /srv/shop/uploads/$1; } location /x { root $document_root; }"""
    assert one(body).directories == ("/usr/share/nginx/html", "/srv/shop/static", "/srv/shop", "/srv/shop/uploads")


def test_what_the_http_block_says_counts_for_its_servers() -> None:
    main = """http { ssl_certificate certs/all.pem; ssl_certificate_key certs/all.key; ssl_dhparam /etc/ssl/dh.pem;
        auth_basic_user_file htpasswd; root /srv/all; include conf.d/*.conf; }"""
    text = """server { listen 443 ssl; }
        server { listen 443 ssl; ssl_certificate own.pem; ssl_certificate_key own.key; root /o; }"""
    held = {
        "/etc/nginx/nginx.conf": main,
        "/etc/nginx/conf.d/site.conf": text,
        "/etc/ssl/dh.pem": "",
        "/etc/nginx/htpasswd": "",
    }
    first, second = nginx.sites(HeldFiles(held), "/etc/nginx/nginx.conf")
    assert (first.certificates, first.keys) == (("/etc/nginx/certs/all.pem",), ("/etc/nginx/certs/all.key",))
    assert sorted(first.files) == ["/etc/nginx/conf.d/site.conf", "/etc/nginx/htpasswd", "/etc/ssl/dh.pem"]
    assert (first.directories, second.directories) == (("/srv/all",), ("/o",))
    assert (second.certificates, second.keys) == (("/etc/nginx/own.pem",), ("/etc/nginx/own.key",))


def test_files_that_define_what_a_site_uses_are_its_own() -> None:
    site = one(
        """access_log /var/log/nginx/a.log timed; limit_conn perip 10;
        location / { proxy_set_header Connection $connection_upgrade; proxy_cache pages; limit_req zone=login burst=5;
            proxy_pass http://app; }""",
        **{
            "conf_d__a.conf": "map $http_upgrade $connection_upgrade { default upgrade; '' close; }",
            "conf_d__b.conf": "limit_req_zone $binary_remote_addr zone=login:10m rate=1r/s;",
            "conf_d__c.conf": "upstream app { server 127.0.0.1:8000; }",
            "conf_d__d.conf": "proxy_cache_path /var/cache/nginx levels=1:2 keys_zone=pages:10m;",
            "conf_d__e.conf": "log_format timed '$request_time';",
            "conf_d__f.conf": "limit_conn_zone $binary_remote_addr zone=perip:10m;",
            "conf_d__g.conf": "map $uri $not_used { default 1; } upstream other { server 127.0.0.1:1; }",
            "conf_d__h.conf": "geo $office { default 0; 192.0.2.0/24 1; }",
        },
    )
    assert sorted(site.files) == [f"/etc/nginx/conf.d/{name}.conf" for name in ("a", "b", "c", "d", "e", "f", "site")]


def test_what_a_definition_uses_in_turn_belongs_to_the_site() -> None:
    site = one(
        "location / { proxy_pass $slot; }",
        **{
            "conf_d__a.conf": "map $office $slot { default http://blue; 1 http://green; }",
            "conf_d__b.conf": "geo $office { default 0; 192.0.2.0/24 1; }",
            "conf_d__c.conf": "upstream green { server 127.0.0.1:8001; } upstream blue { server 127.0.0.1:8000; }",
            "conf_d__d.conf": "upstream red { server 127.0.0.1:8002; }",
        },
    )
    assert site.targets == ("tcp:127.0.0.1:8000", "tcp:127.0.0.1:8001")
    assert sorted(site.files) == [f"/etc/nginx/conf.d/{name}.conf" for name in ("a", "b", "c", "site")]


def test_snippets_within_locations_are_files() -> None:
    site = one(
        """include snippets/tls.conf;
        location / { include snippets/auth.conf; include missing/*.conf; include none.conf; }""",
        **{
            "snippets__tls.conf": """ssl_trusted_certificate /etc/letsencrypt/options-ssl-nginx.conf;
                include snippets/deep.conf;""",
            "snippets__auth.conf": "auth_basic_user_file /etc/nginx/proxy_params;",
            "snippets__deep.conf": "# nothing but a comment",
        },
    )
    assert site.files == (
        "/etc/nginx/conf.d/site.conf",
        "/etc/nginx/snippets/tls.conf",
        "/etc/nginx/snippets/deep.conf",
        "/etc/nginx/snippets/auth.conf",
        "/etc/letsencrypt/options-ssl-nginx.conf",
        "/etc/nginx/proxy_params",
    )


def test_certificates_that_depend_on_the_request_are_left_out() -> None:
    site = one("listen 443 ssl; ssl_certificate /etc/ssl/$ssl_server_name.pem; ssl_certificate_key data:$key;")
    assert (site.certificates, site.keys) == ((), ())


def test_servers_of_stream_and_mail_are_no_web_sites() -> None:
    main = "stream { server { listen 5432; proxy_pass 127.0.0.1:5433; } } mail { server { listen 25; } } http { }"
    assert read("", main=main) == []


@pytest.mark.parametrize(
    "text",
    [
        "server { server_name a.org; } }",
        "server { server_name a.org; ",
        "server { server_name a.org; } server_name",
        "server { server_name a.org; } ; ; {",
        'server { server_name a.org; } location { "unclosed',
        "server { server_name 'a.org'; } 'x",
        'server { server_name "a.org"; location ~ "^/x{2}$" { } location ~ ^/\\{a\\}$ { } }',
        "server{server_name a.org;}#}\n#server { }",
        'server { server_name a.org; set $x "}"; set $y \'{;\'; add_header X "a\\"b; }"; }',
        "server { server_name a.org; content_by_lua_block { if x then y = { '}' } end -- }\n } } ",
        "server { server_name a.org; } include conf.d/site.conf; include /etc/nginx/nginx.conf;",
        "\ufeffevents{}server { server_name a.org; }",
    ],
)
def test_odd_texts(text: str) -> None:
    assert ("a.org",) in [site.names for site in read(text)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("deep", "{" * 200_000),
        ("words", "a " * 400_000),
        ("quotes", "\\\" ' " * 200_000),
        ("variables", "${" * 400_000),
        ("lua", "server { a_by_lua_block {" + "--[[ { " * 100_000),
        ("includes", "include conf.d/*.conf; " * 3000),
        ("escapes", "\\" * 800_001),
        ("dollars", "$" * 800_000),
    ],
)
def test_hostile_texts_take_no_time(name: str, text: str) -> None:
    started = time.process_time()
    read(text)
    assert time.process_time() - started < 30, name  # a quadratic one takes minutes


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (r"a\tb z;", "a\tb"),
        ("a${{b}{ z;", "a${{b}"),
        ("$${{~ z;", "$${{~"),
        ("${\\ z;", "${\\ z"),
        ('"a;{}#\\"" z;', 'a;{}#"'),
        ("a#b z;", "a#b"),
        ("a}b z;", "a}b"),
        ("a\"b'c z;", "a\"b'c"),
        ("'\\x' z;", "\\x"),
    ],
)
def test_words_as_nginx_reads_them(text: str, name: str) -> None:
    """What it does with such lines was seen in its messages of unknown directives."""
    found = Loader(HeldFiles({"/n.conf": text}), "/").load("/n.conf")
    assert found[0].name == name


def test_deep_blocks_are_left_out() -> None:
    held = HeldFiles({"/n.conf": "a {" * 500 + "b;" + "}" * 500})
    names = [item.name for item in nested(Loader(held, "/").load("/n.conf"))]
    assert set(names) == {"a"}
    assert len(names) < 50


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            """nginx version: nginx/1.22.1
configure arguments: --with-cc-opt='-g -O2' --prefix=/usr/share/nginx --conf-path=/etc/nginx/nginx.conf --with-debug""",
            ("/etc/nginx/nginx.conf", "/usr/share/nginx"),
        ),
        ("configure arguments: --prefix=/usr/local/nginx", ("/usr/local/nginx/conf/nginx.conf", "/usr/local/nginx")),
        ("configure arguments: --prefix=/opt/n --conf-path=etc/n.conf", ("/opt/n/etc/n.conf", "/opt/n")),
        ("", ("/etc/nginx/nginx.conf", "/usr/share/nginx")),
    ],
)
def test_where_nginx_reads(text: str, expected: tuple[str, str]) -> None:
    assert nginx.parse_version(text) == expected


def test_nginx_is_asked_for_its_version_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def runner(command: Command, timeout: float) -> Completed:
        asked.append(tuple(command.argv))
        return Completed(tuple(command.argv), 0, stderr=b"--conf-path=/nonexistent/nginx.conf")

    monkeypatch.setattr(nginx, "find_program", lambda name, _extra: "/usr/sbin/nginx" if name == "nginx" else None)
    assert nginx.find(runner) == []
    assert asked == [("/usr/sbin/nginx", "-V")]
    monkeypatch.setattr(nginx, "find_program", lambda _name, _extra: None)
    assert nginx.find(runner) == []
    assert len(asked) == 1


def test_expressions_are_never_tried() -> None:
    started = time.process_time()
    assert not nginx_redirects.fits_any_path("^(a+)+" * 20 + "$")
    assert nginx_redirects.fits_any_path("^/(?!.well-known/acme-challenge).*$")
    assert time.process_time() - started < 30


@pytest.mark.parametrize(
    ("shared", "body", "logs"),
    [
        ("access_log /var/log/nginx/access.log;", "", ("/var/log/nginx/access.log",)),
        ("access_log /var/log/nginx/access.log;", "access_log logs/shop.log main;", ("/etc/nginx/logs/shop.log",)),
        ("access_log /var/log/all.log;", "access_log off;", ()),
        ("", "", ()),
        ("", "access_log syslog:server=192.0.2.1; access_log /var/log/$host.log; access_log /l;", ("/l",)),
        ("", "location / { access_log /var/log/place.log; }", ("/var/log/place.log",)),
    ],
)
def test_where_requests_are_logged(shared: str, body: str, logs: tuple[str, ...]) -> None:
    [found] = read("server {" + body + "}", MAIN.replace("gzip on;", shared))
    assert found.logs == logs
