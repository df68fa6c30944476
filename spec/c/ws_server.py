"""The other side of ws_test.c: Debian's python3-websockets.

Usage: ws_server.py CERTIFICATE KEY.  Writes one line with its ports (plain,
TLS, proxy) and ends when its standard input does.  What a connection does is
said by its path.
"""

import asyncio
import http
import json
import logging
import ssl
import sys
import urllib.parse

import websockets
from websockets.legacy.server import serve as listen

sent = {}  # name: messages sent so far
closed = {}  # name: a future of the closing code
ports = {}
proxied = []  # what the proxy was asked for


def code_of(name):
    return closed.setdefault(name, asyncio.get_running_loop().create_future())


async def hello(ws, query):
    await ws.send("hello")
    await ws.send(b"\x00\xff")
    await ws.send(["fra", "g\u00fc", "", "ments"])
    await ws.send([b"bi", b"nary"])
    await ws.send("")


async def echo(ws, query):
    pass


async def close(ws, query):
    await ws.close(int(query["code"]), query.get("reason", ""))


async def headers(ws, query):
    await ws.send(ws.path)
    await ws.send(json.dumps(list(ws.request_headers.raw_items())))


async def flood(ws, query):
    count, size = int(query["count"]), int(query.get("size", "150"))
    filling = "x" * (size - 10)
    for i in range(count):
        await ws.send("%010d%s" % (i, filling))
        sent[query.get("name")] = i + 1


async def burst(ws, query):
    # In one go: one TLS record, if they are not too many.
    count, size = int(query["count"]), int(query["size"])
    head = b"\x81\x7e" + size.to_bytes(2, "big")
    filling = b"x" * (size - 10)
    ws.transport.write(b"".join(head + b"%010d" % i + filling for i in range(count)))


async def twice(ws, query):
    # Two seconds apart, and no goodbye.
    await ws.send("one")
    await asyncio.sleep(2)
    await ws.send("two")
    await asyncio.sleep(1)  # it is read before the connection is reset
    ws.transport.abort()


async def progress(ws, query):
    await ws.send(str(sent.get(query["name"], 0)))


async def code(ws, query):
    await ws.send(str(await code_of(query["name"])))


async def raw(ws, query):
    ws.transport.write(bytes.fromhex(query["hex"]))


async def abort(ws, query):
    ws.transport.abort()


async def asked(ws, query):
    await ws.send("\n".join(proxied))


DOINGS = [hello, echo, close, headers, flood, burst, twice, progress, code, raw, abort, asked]


async def serve(ws):
    path, _, query = ws.path.partition("?")
    query = dict(urllib.parse.parse_qsl(query))
    doing = {f.__name__: f for f in DOINGS}[path.strip("/") or "echo"]
    try:
        await doing(ws, query)
        await ws.wait_closed()
    except websockets.ConnectionClosed:
        pass
    name = query.get("name")
    if name and doing is not progress and doing is not code:
        code_of(name).set_result(ws.close_code)


async def refuse(path, request_headers):
    if path.startswith("/status/"):
        status = http.HTTPStatus(int(path[len("/status/") :][:3]))
        extra = {"Retry-After": "17"} if status == 503 else {}
        if 300 <= status < 400:
            extra = {"Location": "/hello"}
        return status, extra, b"no"


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()


async def proxy(reader, writer):
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    target = lines[0].split()[1]
    # libwebsockets writes "basic" in small letters.
    auth = [l.split()[2] for l in lines if l.lower().startswith("proxy-auth")]
    proxied.append(target + " " + "".join(auth))
    if auth != ["dXNlcjpwQHNz"]:  # user:p@ss
        writer.write(b"HTTP/1.1 407 Who are you?\r\n\r\n")
        writer.close()
        return
    there = await asyncio.open_connection("127.0.0.1", int(target.split(":")[1]))
    writer.write(b"HTTP/1.1 200 Go on\r\n\r\n")
    await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))


async def main():
    logging.disable()  # clients that go are nothing special here
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[1], sys.argv[2])
    options = dict(process_request=refuse, ping_interval=None, max_size=None)
    loopback = "127.0.0.1"
    listening = [
        await listen(serve, loopback, 0, **options),
        await listen(serve, loopback, 0, ssl=tls, **options),
        await asyncio.start_server(proxy, loopback, 0),
    ]
    print(*[s.sockets[0].getsockname()[1] for s in listening], flush=True)
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, over.set)
    await over.wait()


asyncio.run(main())
