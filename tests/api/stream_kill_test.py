"""Readers that come and go, writers, and a service that is killed again and again: what a reader gets over all
its connections is what was committed, in order, each event once.

usage: kills_test.py BINARY [--full]   (SESSIOND_BINARY, where set, goes before BINARY)

--full: 16 writers, 100 readers, 20 kills.
"""

import argparse
import asyncio
import json
import os
import random
import re
import sqlite3
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import checks  # noqa: E402
from service import Service  # noqa: E402

SHORT = {"writers": 8, "readers": 20, "kills": 4}
FULL = {"writers": 16, "readers": 100, "kills": 20}
FRAME = re.compile(rb"id: (\d+)\nevent: ([a-z.]+)\ndata: ([^\n]*)\n\n")
BODY = b'{"project_path":"/p","thread_id":"t"}'
LIFE_S = (0.3, 1.5)
CONNECTED_S = (0.05, 3)
WRITER_PAUSE_S = 0.03
CATCH_UP_S = 120


class Reader:
    """Takes `after=0` first, and then says which event it has seen last."""

    def __init__(self, run, number):
        self.run = run
        self.random = random.Random(number)
        self.ids = []
        self.connections = 0
        self.wrong = []

    def request(self):
        head = "GET /events?after=0 HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
        if self.ids:
            head += f"Last-Event-ID: {self.ids[-1]}\r\n"
        return head.encode() + b"\r\n"

    def take(self, text):
        """Takes the whole frames; returns what is left."""
        end = 0
        for frame in FRAME.finditer(text):
            end = frame.end()
            number, kind = int(frame.group(1)), frame.group(2)
            if kind == b"reset":
                self.wrong.append(f"a reset at {number}")
            if json.loads(frame.group(3))["id"] != number:
                self.wrong.append(f"the frame {number} has another event")
            self.ids.append(number)
        return text[end:]

    async def follow(self):
        try:
            reading, writing = await asyncio.open_connection(*self.run.place())
        except OSError:
            await asyncio.sleep(0.02)
            return
        self.connections += 1
        try:
            writing.write(self.request())
            await reading.readuntil(b"\r\n\r\n")
            text = b""
            while True:
                size = int(await reading.readuntil(b"\r\n"), 16)
                text = self.take(text + (await reading.readexactly(size + 2))[:-2])
                if size == 0:
                    return
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writing.close()

    async def run_until_caught_up(self):
        while not (self.run.over and self.ids and self.ids[-1] >= self.run.newest):
            limit = None if self.run.over else self.random.uniform(*CONNECTED_S)
            try:
                await asyncio.wait_for(self.follow(), 1 if limit is None else limit)
            except asyncio.TimeoutError:
                pass


async def write(run):
    """One session after the other."""
    while not run.over:
        try:
            reading, writing = await asyncio.open_connection(*run.place())
        except OSError:
            await asyncio.sleep(0.02)
            continue
        try:
            while not run.over:
                writing.write(b"POST /sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                              b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY)
                head = await reading.readuntil(b"\r\n\r\n")
                length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
                await reading.readexactly(length)
                run.acknowledged += head.startswith(b"HTTP/1.1 201")
                await asyncio.sleep(WRITER_PAUSE_S)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writing.close()


class Run:
    def __init__(self, binary, counts):
        self.counts = counts
        self.service = Service(binary, "--log-level", "warning").start()
        self.over = False
        self.newest = 0
        self.acknowledged = 0

    def place(self):
        host, port = self.service.address.rsplit(":", 1)
        return host, int(port)

    def committed(self):
        with sqlite3.connect(f"file:{self.service.database}?mode=ro", uri=True) as database:
            return [row[0] for row in database.execute("SELECT id FROM events ORDER BY id")]

    async def kill_again_and_again(self):
        for _ in range(self.counts["kills"]):
            await asyncio.sleep(random.uniform(*LIFE_S))
            self.service.kill()
            self.service.start()
        await asyncio.sleep(1)
        self.over = True
        await asyncio.sleep(0.5)
        self.newest = self.committed()[-1]

    async def main(self):
        self.readers = [Reader(self, number) for number in range(self.counts["readers"])]
        writers = [asyncio.create_task(write(self)) for _ in range(self.counts["writers"])]
        readers = [asyncio.create_task(reader.run_until_caught_up()) for reader in self.readers]
        await self.kill_again_and_again()
        await asyncio.wait(readers, timeout=CATCH_UP_S)
        for task in writers + readers:
            task.cancel()

    def verdict(self):
        committed = self.committed()
        wrong = [sentence for reader in self.readers for sentence in reader.wrong]
        for number, reader in enumerate(self.readers):
            if reader.ids != committed:
                missed, twice = set(committed) - set(reader.ids), len(reader.ids) - len(set(reader.ids))
                wrong.append(f"reader {number} got {len(reader.ids)} of {len(committed)} events, missed {len(missed)}, "
                             f"{twice} more than once, in order: {reader.ids == sorted(reader.ids)}")
        if len(committed) < self.acknowledged:
            wrong.append(f"{self.acknowledged} changes were acknowledged, {len(committed)} events are there")
        return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    run = Run(checks.under_test(options.binary), FULL if options.full else SHORT)
    asyncio.run(run.main())
    wrong = run.verdict()
    connections = sum(reader.connections for reader in run.readers)
    print(f"{len(run.committed())} events, {run.acknowledged} acknowledged, {run.counts['kills']} kills, "
          f"{len(run.readers)} readers on {connections} connections")
    wrong += run.service.stop()
    print("\n".join(wrong[:20]))
    print(f"{int(not wrong)} passed, {int(bool(wrong))} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
