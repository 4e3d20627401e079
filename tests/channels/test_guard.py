"""What strangers name is connected to only where it is public, and where it was checked."""

import asyncio
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from channel_peers import HOST, Script, guard_for, names, served, speaking, trust
from hypothesis import example, given
from hypothesis import strategies as st

from andante.channels.contract import Status
from andante.channels.guard import Blocked, Guard, Unresolved
from andante.channels.http import Http, NoReply

PUBLIC = "93.184.215.14"


async def post(port, resolver=None, url=None, guard=None):
    http = Http(guard=guard or guard_for(port, resolver), trust=trust())
    try:
        return await http.post(url or f"https://{HOST}:{port}/in", b"{}", {})
    except NoReply as failure:
        return failure.answer
    finally:
        await http.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/",
        "ftp://shop.example/",
        "//shop.example/",
        "shop.example",
        "",
        "https://",
        "https:///path",
        "https://shop.example:22/",
        "https://shop.example:0/",
        "https://shop.example:65536/",
        "https://shop.example:x/",
        "https://user@shop.example/",
        "https://user:word@shop.example/",
        "https://shop.example@127.0.0.1/",
        "https://shop.example\\@127.0.0.1/",
        "https://shop.example\t.evil.example/",
        "https://shop.example/\r\nX-Evil: 1",
        "https://shop.example /",
        "https://shop.example./",
        "https://shop..example/",
        "https://-shop.example/",
        "https://sh%6fp.example/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://017700000001/",
        "https://127.0.0.1./",
        "https://127.0.0.0x1/",
        "https://１２７.0.0.1/",
        "https://127。0。0。1/",
        "https://①②⑦.⓪.⓪.①/",
        "https://0.0.0.0/",
        "https://10.1.2.3/",
        "https://100.100.100.200/",
        "https://168.63.129.16/",
        "https://169.254.169.254/latest/meta-data/",
        "https://172.31.0.1/",
        "https://192.168.0.1/",
        "https://198.18.0.1/",
        "https://224.0.0.1/",
        "https://240.0.0.1/",
        "https://255.255.255.255/",
        "https://[::]/",
        "https://[::1]/",
        "https://[::127.0.0.1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::ffff:8.8.8.8]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[64:ff9b:1::a00:1]/",
        "https://[2001:0:7f00:1::]/",
        "https://[2002:7f00:1::]/",
        "https://[2001:db8::1]/",
        "https://[fc00::1]/",
        "https://[fd00:ec2::254]/",
        "https://[fe80::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[2606:2800::1%25eth0]/",
        "https://[fec0::1]/",
        "https://[ff02::1]/",
        "https://[::1]shop.example/",
        "https://shop.example[::1]/",
        "https://[shop.example]/",
        "https://[v1.x]/",
        "https://shop.example/ü",
        f"https://{'a' * 64}.example/",
        f"https://shop.example/{'a' * 2048}",
    ],
)
def test_a_url_that_leads_elsewhere_than_to_a_public_place_is_refused(url):
    with pytest.raises(Blocked):
        Guard().check(url)


@pytest.mark.parametrize(
    ("url", "checked"),
    [
        ("https://shop.example", "https://shop.example/"),
        ("https://Shop.Example:443/in?to=1#there", "https://shop.example/in?to=1"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("https://_dmarc.shop.example/", "https://_dmarc.shop.example/"),
        (f"https://{PUBLIC}/", f"https://{PUBLIC}/"),
        ("https://[2606:2800:0:0::1]/", "https://[2606:2800::1]/"),
    ],
)
def test_a_public_url_is_put_together_again_from_its_parts(url, checked):
    assert Guard().check(url) == checked
    assert Guard().check(checked) == checked


def test_a_network_of_ones_own_is_open_only_where_it_is_asked_for_and_never_link_local():
    guard = Guard(frozenset({80, 8443}), private=True)
    assert guard.check("http://10.0.0.7/in") == "http://10.0.0.7/in"
    assert guard.check("https://[fd00::7]:8443/") == "https://[fd00::7]:8443/"
    for metadata in ("169.254.169.254", "fe80::1", "::ffff:10.0.0.7", "100.100.100.200", "0.1.2.3", "224.0.0.1"):
        assert not guard.admits(metadata)


addresses = st.one_of(
    st.integers(0, 2**32 - 1).map(IPv4Address),
    st.integers(0, 2**128 - 1).map(IPv6Address),
    st.integers(0x2000 << 112, (0x4000 << 112) - 1).map(IPv6Address),
)


@given(addresses)
@example(ip_address("2001::1"))
@example(ip_address("192.88.99.1"))
def test_nothing_is_admitted_that_the_standard_library_does_not_call_global(address):
    if Guard().admits(str(address)):
        assert address.is_global
        assert not address.is_multicast


@given(st.text(max_size=60).map("https://{}".format))
def test_what_is_admitted_is_admitted_again_as_the_same(url):
    try:
        checked = Guard().check(url)
    except Blocked:
        return
    assert Guard().check(checked) == checked


@pytest.mark.parametrize(
    "found", [["127.0.0.1"], [PUBLIC, "127.0.0.1"], [PUBLIC, "::ffff:10.0.0.1"], ["not an address"]]
)
def test_a_host_with_one_address_that_is_not_public_is_refused(found):
    guard = Guard(resolver=names({HOST: found}))
    with pytest.raises(Blocked):
        asyncio.run(guard.addresses(HOST, 443))


@pytest.mark.parametrize("table", [{}, {HOST: []}])
def test_a_host_without_an_address_may_have_one_later(table):
    with pytest.raises(Unresolved):
        asyncio.run(Guard(resolver=names(table)).addresses(HOST, 443))

    async def tried():
        return await post(443, names(table), url=f"https://{HOST}/")

    answer = asyncio.run(tried())
    assert (answer.status, answer.code) == (Status.BUSY, "dns")


def test_a_private_address_behind_a_public_name_is_never_connected_to():
    async def tried():
        reached = []

        async def talk(_reader, _writer):
            reached.append(True)

        async with speaking(talk) as port:
            guard = Guard(frozenset({port}), resolver=names({HOST: ["127.0.0.1"]}))
            return await post(port, guard=guard), reached

    answer, reached = asyncio.run(tried())
    assert (answer.status, answer.code) == (Status.UNABLE, "blocked")
    assert reached == []


def test_a_name_server_that_changes_its_mind_changes_nothing():
    async def tried():
        application = Script((200, {}, b""))
        answers = [["127.0.0.1"], ["169.254.169.254"], ["127.0.0.1"]]

        async def rebinding(_host, _port):
            return answers.pop(0)

        async with served(application) as port:
            url = f"https://{HOST}:{port}/"
            kept = Http(guard=guard_for(port, rebinding), trust=trust())
            first, again = [await kept.post(url, b"{}", {}) for _ in range(2)]
            await kept.close()
            anew = await post(port, rebinding)
        return first, again, anew, application, answers

    first, again, anew, application, left = asyncio.run(tried())
    assert (first.status, again.status) == (200, 200), "on one connection, whose address was looked up once"
    assert (anew.status, anew.code) == (Status.UNABLE, "blocked"), "a new connection is checked anew"
    assert len(application.seen) == 2
    assert left == [["127.0.0.1"]]


def test_the_name_is_verified_though_the_address_is_connected_to():
    async def tried():
        resolver = names({"other.example": ["127.0.0.1"]})
        async with served(Script((200, {}, b""))) as port:
            return await post(port, resolver, url=f"https://other.example:{port}/")

    answer = asyncio.run(tried())
    assert (answer.status, answer.code) == (Status.BUSY, "ConnectError")


def test_a_redirect_is_not_followed():
    async def tried():
        application = Script((307, {"location": "http://169.254.169.254/latest"}, b""))
        async with served(application) as port:
            return await post(port), application

    reply, application = asyncio.run(tried())
    assert reply.status == 307
    assert len(application.seen) == 1


def test_the_next_address_is_tried_where_one_does_not_answer():
    async def tried():
        async with served(Script((200, {}, b""))) as port:
            return await post(port, names({HOST: ["127.9.9.9", "127.0.0.1"]}))

    assert asyncio.run(tried()).status == 200


def test_an_ipv6_address_of_ones_own_can_be_reached_where_that_is_asked_for():
    async def tried():
        async with served(Script((200, {}, b"")), "::1") as port:
            return await post(port, names({HOST: ["::1"]}))

    assert asyncio.run(tried()).status == 200


def test_a_name_server_that_never_answers_is_given_up():
    async def never(_host, _port):
        await asyncio.Event().wait()

    async def tried():
        backend = guard_for(443, never).backend()
        with pytest.raises(Unresolved):
            await backend.connect_tcp(HOST, 443, timeout=0.05)

    asyncio.run(tried())


def test_a_socket_of_this_machine_is_no_target():
    with pytest.raises(Blocked):
        asyncio.run(Guard().backend().connect_unix_socket("/run/docker.sock"))
