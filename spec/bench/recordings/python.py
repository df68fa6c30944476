# Python: http.client and ijson, which gives rows while the answer arrives.
import http.client
import os
import time
import urllib.parse

import ijson

NAME = 'Zoë "Zed" O/Neil(104)'
base = urllib.parse.urlsplit(os.environ["BENCH_BASE"])
rows = total = strings = named = 0
first = None

start = time.monotonic()
connection = http.client.HTTPConnection(base.netloc)
connection.request(
    "GET", base.path + "/rest/api/v2/recordings?" + os.environ["BENCH_QUERY"],
    headers={"Authorization": "Bearer bench-token"})
answer = connection.getresponse()
assert answer.status == 200, answer.status
for row in ijson.items(answer, "item"):
    if rows % 1000 == 0:
        first = first or time.monotonic()
        strings += sum(isinstance(value, str) for value in row.values())
    rows += 1
    total += row["startTime"] % 86400000 + row["duration"] + row["size"]
    if row["agent"] == NAME:
        named += 1
seconds = time.monotonic() - start

with open("/proc/self/status") as status:
    peak = [line.split()[1] for line in status if line.startswith("VmHWM:")][0]
print(rows, total, strings, named, "|", "%.4f" % seconds,
      "%.2f" % ((first - start) * 1e3), peak)
