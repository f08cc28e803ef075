"""Folders of Claude Code transcripts as they are found on people's machines, made at random, and what an import has to
make of them.

A file is a list of records. A record is the text of one JSON object and, while it is damaged, the bytes that are in the
file in its place. Files grow at the end and in the middle, and damaged records are repaired, but no record changes.
"""

import codecs
import json
import os
import random
import uuid

EPOCH = "2026-04-{:02d}T{:02d}:{:02d}:{:02d}.000Z"


class Record:
    def __init__(self, text, damaged=None, end=b"\n"):
        self.text = text
        self.damaged = damaged
        self.end = end  # b"": the writer was interrupted before it wrote the newline

    def bytes(self):
        return (self.text.encode() if self.damaged is None else self.damaged) + self.end


class File:
    def __init__(self, path, session, stream, records, bom=False, metadata=None):
        self.path = path  # relative to the folder
        self.session = session
        self.stream = stream
        self.records = records
        self.bom = bom
        self.metadata = metadata  # text of the .meta.json beside it

    def bytes(self):
        return (codecs.BOM_UTF8 if self.bom else b"") + b"".join(record.bytes() for record in self.records)

    def write(self, folder):
        path = os.path.join(folder, self.path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(self.bytes())
        if self.metadata is not None:
            with open(path.removesuffix(".jsonl") + ".meta.json", "w", encoding="utf-8") as file:
                file.write(self.metadata)


def exact(text):
    """A JSON value that compares equal only to one whose numbers have the same text."""
    return json.dumps(json.loads(text, parse_int=lambda n: {"number": n}, parse_float=lambda n: {"number": n}))


def objects(data):
    """The objects of a file, in order: [(uuid or None, exact text)], and the numbers of the lines that have other text."""
    found, bad = [], []
    decoder = json.JSONDecoder()
    for number, line in enumerate(data.removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        try:
            text = line.decode(errors="surrogateescape").strip(" \t\r\n")
            while text:
                value, end = decoder.raw_decode(text)
                text[:end].encode()  # UTF-8, or a ValueError
                if not isinstance(value, dict):
                    raise ValueError("no object")
                name = value.get("uuid")
                found.append((name if isinstance(name, str) else None, exact(text[:end])))
                text = text[end:].lstrip(" \t\r\n")
        except ValueError:
            bad.append(number)
    return found, bad


def without_repeats(found):
    """An entry is there once for each uuid; of entries without a uuid all are there."""
    seen, out = set(), []
    for name, text in found:
        if name is None or name not in seen:
            out.append(text)
            seen.add(name)
    return out


class Maker:
    """Makes records; the same seed gives the same ones."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.clock = 0

    def chance(self, percent):
        return self.random.randrange(100) < percent

    def id(self):
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def time(self):
        self.clock += 1
        return EPOCH.format(1 + self.clock // 86400 % 28, self.clock // 3600 % 24, self.clock // 60 % 60, self.clock % 60)

    def words(self, most):
        pieces = ["fix", "login", "ü", "\u2028", "\U0001f600", 'a "quoted" } { word', "C:\\dir", "\t", "\x00", "{", "x" * 40]
        return " ".join(self.random.choices(pieces, k=self.random.randrange(1, most)))

    def dump(self, value):
        """As one of several writers would."""
        separators = (",", ":") if self.chance(80) else (", ", ": ")
        text = json.dumps(value, ensure_ascii=self.chance(30), separators=separators)
        return text.replace('"number":0', '"number":1e400') if self.chance(20) else text

    def message(self, kind):
        if kind == "user" and self.chance(40):
            content = [{"type": "tool_result", "tool_use_id": f"toolu_{self.id()[:8]}", "content": self.words(60),
                        "is_error": self.chance(10)}]
        elif kind == "assistant":
            content = [{"type": "text", "text": self.words(30)}]
            if self.chance(50):
                content.append({"type": "tool_use", "id": f"toolu_{self.id()[:8]}", "name": "Bash",
                                "input": {"command": self.words(10), "number": 0}})
        else:
            content = self.words(40)
        return {"role": kind, "content": content}

    def turn(self, session, parent, more):
        kind = self.random.choice(["user", "assistant", "assistant", "system", "progress"])
        return {"parentUuid": parent, "isSidechain": self.chance(5), "userType": "external", "cwd": "/home/u/proj",
                "sessionId": session, "version": "2.1.111", "gitBranch": "main", "type": kind, **more,
                "message": self.message(kind), "uuid": self.id(), "timestamp": self.time()}

    def nameless(self):
        """A record without a uuid; the same one may come again."""
        kind = self.random.randrange(3)
        if kind == 0:
            return {"type": "summary", "summary": self.words(6), "leafUuid": self.id()}
        if kind == 1:
            return {"type": "queue-operation", "operation": self.random.choice(["enqueue", "dequeue"])}
        return {"type": "file-history-snapshot", "messageId": self.id(), "snapshot": {"trackedFileBackups": {}},
                "isSnapshotUpdate": self.chance(50)}

    def damage(self, text):
        data = text.encode()
        return self.random.choice([data[:self.random.randrange(1, len(data))], data[1:], b"\0" * 20, b"[]", b'"x"',
                                   data[:-1] + b',"\xff":1}'])

    def record(self, session, parent, more, damaged):
        value = self.nameless() if self.chance(25) else self.turn(session, parent, more)
        text = self.dump(value)
        end = b"\r\n" if self.chance(10) else b"" if self.chance(2) else b"\n"
        broken = self.damage(text) if self.chance(damaged) else None
        return Record(text, broken, end if broken is None else b"\n"), value.get("uuid", parent)

    def records(self, session, count, damaged=0, **more):
        out, parent = [], None
        for _ in range(count):
            record, parent = self.record(session, parent, more, damaged)
            out.append(record)
            if self.chance(3):
                out.append(Record(record.text))  # a client that wrote it twice
        return out


class Folder:
    """A projects folder, made at random, with `count` conversations."""

    def __init__(self, seed, count):
        self.maker = Maker(seed)
        self.files = []
        for number in range(count):
            self.add_conversation(f"-home-u-proj{number % 7}")

    def add_conversation(self, project):
        maker, session = self.maker, self.maker.id()
        kind = maker.random.randrange(20)
        records = maker.records(session, maker.random.randrange(1, 60), damaged=4)
        if kind == 0:
            records = []
        elif kind == 1:
            records = [Record(maker.dump({"type": "summary", "summary": maker.words(4), "leafUuid": maker.id()}))]
        elif kind < 5 and self.files:
            records = self.copied() + records
        if records and maker.chance(10):
            data = records[-1].text.encode()
            records[-1] = Record(records[-1].text, data[:len(data) // 2], b"")  # still being written
        self.files.append(File(f"{project}/{session}.jsonl", session, "main", records, bom=maker.chance(10)))
        if maker.chance(30):
            self.add_agents(f"{project}/{session}", session)

    def copied(self):
        """A resumed conversation begins with lines of the one before it, under the old sessionId."""
        earlier = self.maker.random.choice([file for file in self.files if file.stream == "main"])
        return [Record(record.text) for record in earlier.records[:10]]

    def add_agents(self, folder, session):
        for name in ("agent-a1", "workflows/wf_1/agent-b2", "workflows/wf_2/agent-b2"):
            if self.maker.chance(60):
                records = self.maker.records(session, self.maker.random.randrange(1, 20), damaged=3, agentId="a1")
                metadata = json.dumps({"agentType": "Explore", "n": 1}, indent=1) if self.maker.chance(50) else None
                self.files.append(File(f"{folder}/subagents/{name}.jsonl", session, f"subagents/{name}", records,
                                       metadata=metadata))
        if self.maker.chance(50):
            path = f"{folder}/subagents/workflows/wf_1/journal.jsonl"
            lines = [Record(json.dumps({"type": kind, "agentId": "b2", "ts": 1})) for kind in ("started", "result", "result")]
            self.files.append(File(path, session, "subagents/workflows/wf_1/journal", lines))

    def grow(self):
        """New records at the end; the one that was being written is whole now."""
        for file in self.files:
            if file.records and file.records[-1].end == b"":
                file.records[-1] = Record(file.records[-1].text)
            file.records += self.maker.records(file.session, self.maker.random.randrange(8))

    def glue(self):
        """The newline behind the last record is missing, and the next record stands on its line."""
        for file in self.files:
            if file.records and file.records[-1].damaged is None and self.maker.chance(30):
                file.records[-1].end = b""
                file.records += self.maker.records(file.session, 2)

    def repair(self):
        """Damaged records are mended, and some files have new records in the middle."""
        for file in self.files:
            for record in file.records:
                if record.damaged is not None:
                    record.damaged, record.end = None, b"\n"
            if self.maker.chance(20):
                at = self.maker.random.randrange(len(file.records) + 1)
                file.records[at:at] = self.maker.records(file.session, 3)

    def write(self, folder):
        for file in self.files:
            file.write(folder)
