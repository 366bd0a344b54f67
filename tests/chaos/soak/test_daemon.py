"""The daemon of a soak says how it is inside, and is the same afterwards."""

import json
import subprocess
import sys

from tests.chaos.nursery import ROOT

CIRCLES = 10_000
CODE = f"""
import asyncio, gc, json, os, sys
from tests.chaos.soak.daemon import say

async def inside():
    gc.collect()
    gc.disable()
    for _ in range({CIRCLES}):
        circle = []
        circle.append(circle)
    del circle
    before = sys.getallocatedblocks()
    say(0, None)
    os.wait()
    print(json.dumps({{"blocks": before, "garbage": gc.collect()}}))

asyncio.run(inside())
"""


def test_blocks_are_told_without_garbage_which_stays_where_it_is() -> None:
    ran = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True, timeout=60, cwd=ROOT)
    told, had = map(json.loads, ran.stdout.splitlines())
    assert (told.keys(), told["tasks"], told["threads"]) == ({"tasks", "threads", "collections", "blocks"}, 1, 1)
    assert had["garbage"] >= CIRCLES
    assert had["blocks"] - told["blocks"] >= CIRCLES  # each has the room of its one place, too
