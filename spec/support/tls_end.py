"""The TLS server of whole_spec.lua.

Usage: tls_end.py FOLDER.  FOLDER has certificate.pem and key.pem; the port goes
into FOLDER/port.  A request's path ends with NAME-WAY: the answer is the bytes
of FOLDER/NAME, head included, and WAY says whether a close_notify comes behind
them ("clean") or the connection just ends ("rude").  It ends when its standard
input does.
"""

import os
import socket
import ssl
import sys
import threading

folder = sys.argv[1]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder + "/certificate.pem", folder + "/key.pem")


def serve(plain):
    plain.settimeout(10)
    try:
        conn = context.wrap_socket(plain, server_side=True)
        request = b""
        while b"\r\n\r\n" not in request:
            request += conn.recv(65536)
        head, body = request.split(b"\r\n\r\n", 1)
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(body) < length:
            body += conn.recv(65536)
        name = head.split(b" ")[1].split(b"?")[0].split(b"/")
        name = next(part for part in reversed(name) if b"-" in part).decode()
        name, way = name.rsplit("-", 1)
        with open(folder + "/" + name, "rb") as file:
            conn.sendall(file.read())
        if way == "clean":
            conn.settimeout(1)
            conn.unwrap()
        conn.close()
    except (OSError, ValueError):
        plain.close()


def listen(listener):
    while True:
        threading.Thread(
            target=serve, args=(listener.accept()[0],), daemon=True
        ).start()


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=listen, args=(listener,), daemon=True).start()
with open(folder + "/port.new", "w") as file:
    file.write(str(listener.getsockname()[1]))
os.rename(folder + "/port.new", folder + "/port")
sys.stdin.read()
