"""The other side of peer_spec.lua: Debian's python3-websockets.

Usage: peer.py [CERTIFICATE KEY].  Writes one line with its ports (plain, and
TLS with a certificate), and ends when nobody reads its output any more.  What a
connection does is said by the path before the API's own:
/NAME/DOING[/ARGUMENT]; NAME tells the connections of one test from the others.
"""

import asyncio
import http
import json
import logging
import os
import ssl
import sys
import urllib.parse

import websockets
from websockets.legacy.server import WebSocketServerProtocol, serve as listen

seen = {}  # NAME: the connections so far, those that were refused too
codes = {}  # NAME: the codes that they were closed with


def update(number, metric="101", **more):
    value = {"type": "COUNT", "count": number, **more}
    return json.dumps({"key": {"metricId": metric}, "value": value})


class Peer(WebSocketServerProtocol):
    heard = 0  # pings

    async def process_request(self, path, headers):
        path, _, query = path.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query))
        parts = path.split("/")
        self.name, self.doing = parts[1:3]
        self.argument = parts[3] if parts[3] != "rest" else ""
        self.turn = seen[self.name] = seen.get(self.name, 0) + 1
        if self.doing == "status" and (self.turn == 1 or self.argument != "503"):
            extra = {"302": {"Location": "/a/elsewhere/rest"}, "503": {"Retry-After": "1"}}
            return http.HTTPStatus(int(self.argument)), extra.get(self.argument, {}), b"no"
        if self.doing == "token" and self.query["auth_token"] != self.argument:
            return http.HTTPStatus.UNAUTHORIZED, {}, b"no"

    async def pong(self, data=b""):
        self.heard += 1
        if self.doing == "deaf":
            return
        if self.doing == "late":
            await asyncio.sleep(60)
        await super().pong(data)
        if self.doing == "quiet" and self.heard == 4:
            await self.send(update(4))


async def fragments(ws):
    whole = update(7, "\u00fc")

    async def pieces():
        yield whole[:3]
        await ws.ping()
        for character in whole[3:-1]:
            yield character
        await (await ws.ping("between"))
        yield ""
        yield whole[-1:]

    await ws.send(pieces())


async def ping(ws):
    await (await ws.ping("who is there?"))
    await ws.send(update(ws.heard + 1))


async def binary(ws):
    await ws.send(update(8).encode())
    await ws.send(b"\x00\xff")


async def latin(ws):
    await ws.send(update(1))
    ws.transport.write(b"\x81\x04caf\xe9")


async def unasked(ws):
    """A frame that is compressed, which nobody asked for."""
    ws.transport.write(b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00")


async def large(ws):
    await ws.send(update(1))
    await ws.send(update(2, padding="x" * int(ws.argument)))


async def flood(ws):
    for number in range(int(ws.argument)):
        await ws.send(update(number, str(number % 3)))
    await ws.send("[]")


async def offers(ws):
    await ws.send(json.dumps([e.name for e in ws.extensions]))


async def vanish(ws):
    await ws.send(update(1))
    await asyncio.sleep(1.2)
    ws.transport.abort()


async def close(ws):
    code, _, reason = ws.argument.partition("-")
    await ws.send(update(1))
    await ws.close(int(code), urllib.parse.unquote(reason))


async def code(ws):
    """Says how the connections of that other test were closed."""
    while len(codes.get(ws.argument, [])) < seen[ws.argument]:
        await asyncio.sleep(0.01)
    await ws.send(" ".join(codes[ws.argument]))


async def nothing(ws):
    pass


ONCE = dict(vanish=vanish, close=close, latin=latin, unasked=unasked, deaf=nothing, late=nothing)
EACH = dict(fragments=fragments, ping=ping, binary=binary, large=large, flood=flood, offers=offers,
            code=code, quiet=nothing)


async def serve(ws):
    doing = EACH.get(ws.doing) or ONCE.get(ws.doing) if ws.turn == 1 else EACH.get(ws.doing)
    try:
        if doing:
            await doing(ws)
        else:
            await ws.send(update(100 + ws.turn))
        await ws.wait_closed()
    except websockets.ConnectionClosed:
        pass
    codes.setdefault(ws.name, []).append(str(ws.close_code))


async def main():
    logging.disable()  # clients that go are nothing special here
    options = dict(create_protocol=Peer, ping_interval=None, max_size=None, close_timeout=5)
    tls = []
    if len(sys.argv) > 1:
        tls = [ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)]
        tls[0].load_cert_chain(sys.argv[1], sys.argv[2])
    listening = [await listen(serve, "127.0.0.1", 0, ssl=s, **options) for s in [None, *tls]]
    print(*[s.sockets[0].getsockname()[1] for s in listening], flush=True)
    # A pipe that nobody reads is an error, which counts as readable.
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdout, over.set)
    await over.wait()
    os._exit(0)


asyncio.run(main())
