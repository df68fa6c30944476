"""Python's websockets package and json."""
import asyncio
import json
import os
import resource
import time

import websockets

ADDRESS = (os.environ["BENCH_BASE"].replace("http", "ws", 1)
           + "/rest/api/v1/realtime-metric-subscription?ids=K0FLAEB6")


async def flood():
    count = total = 0
    async with websockets.connect(ADDRESS, compression=None) as link:
        start, cpu = time.monotonic(), time.process_time()
        async for text in link:
            count += 1
            total += json.loads(text)["value"]["count"]
        seconds, cpu = time.monotonic() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{count} {total} {seconds:.4f} {cpu:.3f} {peak}")


asyncio.run(flood())
