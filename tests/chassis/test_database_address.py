"""Addresses: libpq's URLs with all their oddities, and nothing printed that is secret."""

import pytest

from creditmesh.chassis.database.address import DatabaseAddress, UnreadableAddress
from creditmesh.chassis.errors import MeshError

ANY, WRITES = "target_session_attrs=any", "target_session_attrs=read-write"
ODD: dict[str, tuple[str, DatabaseAddress]] = {
    "a host": (
        "postgresql://db.example:5433/city",
        DatabaseAddress(dsn=f"postgresql://db.example:5433/?{ANY}", database="city"),
    ),
    "the other scheme, and no name": (
        "postgres://db.example",
        DatabaseAddress(dsn=f"postgresql://db.example/?{ANY}"),
    ),
    "a role, encoded": (
        "postgresql://ci%40ty:p%3A%2F%40%23%3Fw@h/c%2Fd",
        DatabaseAddress(dsn=f"postgresql://h/?{ANY}", user="ci@ty", password="p:/@#?w", database="c/d"),
    ),
    "a role in the query": (
        "postgresql://h/?user=u&password=p+w&dbname=d",
        DatabaseAddress(dsn=f"postgresql://h/?{ANY}", user="u", password="p w", database="d"),
    ),
    "an at-sign in the password": (
        "postgresql://u:p@ss@h/d",
        DatabaseAddress(dsn=f"postgresql://h/?{ANY}", user="u", password="p@ss", database="d"),
    ),
    "a socket": (
        "postgresql:///city?host=/run/a%20b&port=5433",
        DatabaseAddress(dsn=f"postgresql://%2Frun%2Fa%20b:5433/?{ANY}", database="city"),
    ),
    "a socket in the place of the host": (
        "postgresql://%2Frun%2Fpg/city",
        DatabaseAddress(dsn=f"postgresql://%2Frun%2Fpg/?{ANY}", database="city"),
    ),
    "IPv6": (
        "postgresql://u:p@[::1]:5433/city",
        DatabaseAddress(dsn=f"postgresql://[::1]:5433/?{ANY}", user="u", password="p", database="city"),
    ),
    "two hosts": (
        "postgresql://a:1,[fe80::2]:2,c/city?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem",
        DatabaseAddress(
            dsn=f"postgresql://a:1,[fe80::2]:2,c/?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem&{WRITES}",
            database="city",
        ),
    ),
    "two hosts in the query": (
        "postgresql:///city?host=a,::1&port=1,2",
        DatabaseAddress(dsn=f"postgresql://a:1,[::1]:2/?{WRITES}", database="city"),
    ),
    "one port for two hosts": (
        "postgresql:///city?host=a,b&port=7",
        DatabaseAddress(dsn=f"postgresql://a:7,b:7/?{WRITES}", database="city"),
    ),
    "which host, said": (
        "postgresql://a,b/city?target_session_attrs=primary",
        DatabaseAddress(dsn="postgresql://a,b/?target_session_attrs=primary", database="city"),
    ),
}


@pytest.mark.parametrize(("url", "expected"), ODD.values(), ids=ODD)
def test_an_odd_address_is_read_as_libpq_reads_it(url: str, expected: DatabaseAddress):
    read = DatabaseAddress.read(url)
    assert (read, read.password) == (expected, expected.password)
    again = DatabaseAddress.read(read.url)
    assert (again.dsn, again.database) == (read.dsn, read.database)
    assert (again.user, again.password) == (None, None)


def test_an_address_has_each_of_its_hosts_in_their_order():
    several = DatabaseAddress.read("postgresql://u:p@a:1,[::1]:2,%2Frun/city?sslmode=require")
    assert [host.dsn.split("?")[0] for host in several.hosts] == [
        "postgresql://a:1/",
        "postgresql://[::1]:2/",
        "postgresql://%2Frun/",
    ]
    assert {(host.user, host.password, host.database, host.dsn.split("?")[1]) for host in several.hosts} == {
        ("u", "p", "city", f"sslmode=require&{WRITES}")
    }
    assert [host.dsn for host in DatabaseAddress(dsn="postgresql:///?host=%2Frun").hosts] == [
        "postgresql:///?host=%2Frun"
    ]


SECRETIVE = [
    "postgresql://u:secret@h/d",
    "postgresql://u:se%63ret@a,b/d?sslmode=require",
    "postgresql://h/d?user=u&password=secret",
    "postgres:///d?host=/run&password=secret",
]


@pytest.mark.parametrize("url", SECRETIVE)
def test_a_password_is_never_printed(url: str):
    address = DatabaseAddress.read(url)
    assert address.password == "secret"
    for each in (address, *address.hosts, address.of("other")):
        assert "secret" not in f"{each} {each!r} {each.url} {each.dsn}"


UNREADABLE = [
    "http://u:secret@h/d",
    "u:secret@h/d",
    "secret",
    "",
    "postgresql://u:sec#ret@h/d",
    "postgresql://u:1/secret@h/d",
    "postgresql://u:1?secret@h/d",
    "postgresql://u:1?secret=@h/d?x=y&secret",
    "postgresql://u:1[secret]@h/d",
    "postgresql://u:sec[ret@h/d",
    "postgresql://h:secret/d",
    "postgresql://secret:1:2/d",
    "postgresql:///d?host=a,b&port=1,2,3",
    "postgresql:///d?host=a&port=secret",
    "postgresql://u:p@h/d?password=secret",
    "postgresql://h/d?sslkey=/k&sslpassword=secret",
]


@pytest.mark.parametrize("url", UNREADABLE)
def test_what_is_no_address_is_refused_in_both_languages_and_not_quoted(url: str):
    with pytest.raises(UnreadableAddress) as caught:
        DatabaseAddress.read(url)
    assert isinstance(caught.value, MeshError), "a line for the person at the console"
    assert "数据库" in str(caught.value) or "私钥" in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert not [part for part in ("secret", "sec[", "sec#", "ret") if part in str(caught.value)]
