# A server of 8x8's lists for spec/lua/process/random_spec.lua that is in trouble at random: it
# resets, hangs, cuts, drips, refuses and answers nonsense.  Prints its port, and ends
# when its standard input does.
#   python3 spec/support/flaky_server.py SEED
import asyncio
import json
import os
import random
import struct
import socket
import sys
from urllib.parse import parse_qs, urlsplit

ROWS = 60
chance = random.Random(int(sys.argv[1]))


def answer(body, status=200, headers=()):
    lines = ["HTTP/1.1 %d Said" % status, "Content-Length: %d" % len(body), *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def page(target):
    query = parse_qs(urlsplit(target).query)
    size = int(query.get("size", ["1000"])[0])
    number = int(query.get("page", ["0"])[0])
    pages = -(-ROWS // size)
    if number >= pages:
        text = ("Bad request: Field 'page' must be greater than or equal to 0 and less than the "
                "total number of pages, which is %d for this request" % pages)
        return answer(json.dumps({"message": text}).encode(), 400)
    rows = [{"id": str(i), "name": "Row %d" % i, "metrics": []}
            for i in range(number * size, min(ROWS, (number + 1) * size))]
    return answer(json.dumps(rows).encode(), 200, (
        "X-Page: %d" % number, "X-Page-Size: %d" % size, "X-Total-Pages: %d" % pages,
        "X-Total-Elements: %d" % ROWS))


def good(target):
    path = urlsplit(target).path
    if path == "/token":
        return answer(b'{"access_token":"T%d","expires_in":"%d"}' % (chance.randrange(9), chance.choice((1, 1799))))
    if path.count("/") > 1:
        return answer(json.dumps({"id": path.rsplit("/", 1)[1], "name": "One", "metrics": []}).encode())
    return page(target)


def reset(writer):
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()


async def trouble(writer, whole):
    kind = chance.randrange(12)
    if kind == 0:
        reset(writer)
    elif kind == 1:
        await asyncio.sleep(chance.random() * 2)
        writer.close()
    elif kind in (2, 3):
        writer.write(whole[:chance.randrange(len(whole))])
        await writer.drain()
        reset(writer) if kind == 2 else writer.close()
    elif kind == 4:
        for i in range(0, len(whole), 97):
            writer.write(whole[i:i + 97])
            await writer.drain()
            await asyncio.sleep(0.005)
        return True
    elif kind in (5, 6):
        after = chance.choice(("0", "0", "1", "86400", "soon", "Thu, 01 Jan 1970 00:00:00 GMT"))
        writer.write(answer(b"busy", chance.choice((429, 503)), ("Retry-After: " + after,)))
        return True
    elif kind == 7:
        writer.write(answer(b"<html>", chance.choice((400, 401, 403, 404, 500, 502, 599))))
        return True
    elif kind == 8:
        writer.write(bytes(chance.randrange(256) for _ in range(200)))
        writer.close()
    elif kind == 9:
        writer.write(answer(b'[{"id":"1"', 200, ("X-Total-Pages: 1", "X-Total-Elements: 1")))
        return True
    elif kind == 10:
        writer.write(b"HTTP/1.1 204 None\r\n\r\n")
        return True
    else:
        await asyncio.sleep(chance.random() / 5)
        writer.write(whole)
        return True
    return False


async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            for line in lines[1:]:
                if line.lower().startswith("content-length:"):
                    await reader.readexactly(int(line.split(":")[1]))
            whole = good(lines[0].split(" ")[1])
            if chance.random() < 0.3:
                if not await trouble(writer, whole):
                    break
            else:
                writer.write(whole)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)  # whatever is under way


asyncio.run(main())
