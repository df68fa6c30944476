# Python with its own library: http.client on a kept connection, one request
# after the other, and json.
import http.client
import json
import os
import ssl
import time
import urllib.parse

NAME = 'Zoë "Zed" O/Neil'
base = urllib.parse.urlsplit(os.environ["BENCH_BASE"])
token_path = urllib.parse.urlsplit(os.environ["BENCH_TOKEN_URL"]).path
rows = total = strings = named = 0

start = time.monotonic()
if base.scheme == "https":
    connection = http.client.HTTPSConnection(
        base.netloc,
        context=ssl.create_default_context(cafile=os.environ["BENCH_CA"]))
else:
    connection = http.client.HTTPConnection(base.netloc)


def ask(method, path, authorization, body=None):
    connection.request(method, path, body, {
        "Authorization": authorization,
        "Content-Type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.status
    return json.loads(answer.read()), answer


token = ask("POST", token_path, "Basic a2V5OnNlY3JldA==",
            "grant_type=client_credentials")[0]["access_token"]
page, pages = 0, 1
while page < pages:
    found, answer = ask("GET", "%s/agents?metrics=%s&page=%d&size=1000" % (
        base.path, os.environ["BENCH_METRICS"], page), "Bearer " + token)
    pages = int(answer.headers["X-Total-Pages"])
    page += 1
    for row in found:
        rows += 1
        if row["name"] == NAME:
            named += 1
        for metric in row["metrics"]:
            value = metric["value"]
            if isinstance(value, (int, float)):
                total += value
            elif isinstance(value, str):
                strings += 1
seconds = time.monotonic() - start

with open("/proc/self/status") as status:
    peak = [line.split()[1] for line in status if line.startswith("VmHWM:")][0]
print(rows, "%.10f" % total, strings, named, "%.4f" % seconds, peak)
