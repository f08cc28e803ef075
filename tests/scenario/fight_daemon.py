"""A daemon of fight_test.py: counts up in a session's context, under its lease, until its time is over.

usage: fight_daemon.py ADDRESS SESSION OWNER TTL_SECONDS RUN_S SEED

Prints one JSON object: the acknowledged writes as [counter, token], and how often what happened.
"""

import json
import random
import sys
import time
import types

from scenario import Client

STEAL = 0.05  # how often one that finds the session held takes it all the same
RELEASE = 0.005
RENEW = 0.1


class Daemon:
    def __init__(self, address, session, owner, ttl_seconds, seed):
        self.client = Client(types.SimpleNamespace(address=address))
        self.session = session
        self.term = {"owner": owner, "ttl_seconds": ttl_seconds}
        self.random = random.Random(seed)
        self.token = None
        self.report = {"acknowledged": [], "leases": 0, "renewals": 0, "releases": 0, "refused": 0, "fenced": 0,
                       "accepted_with_an_old_token": 0, "unexpected": []}

    def call(self, expected, *request, **more):
        """None, and the lease is given up, when the answer is a 409."""
        response = self.client.call(*request, **more)
        if response.status == expected:
            return response
        if response.problem() == "lease-lost":
            self.lose()
        elif response.problem() != "lease-held":
            self.report["unexpected"].append([*request[:2], response.status, response.body.decode()])
        self.token = None
        return None

    def lose(self):
        """The old token must be of no use, also in a write that needs nothing else."""
        self.report["fenced"] += 1
        response = self.client.call("PATCH", self.session, {"context": {"counter": -1}}, token=self.token)
        self.report["accepted_with_an_old_token"] += response.status == 200
        response = self.client.call("PUT", f"{self.session}/lease", {**self.term, "steal": True}, token=self.token)
        self.report["accepted_with_an_old_token"] += response.problem() != "lease-lost"

    def take(self):
        steal = self.random.random() < STEAL
        response = self.call(200, "PUT", f"{self.session}/lease", {**self.term, "steal": steal})
        if response is None:
            self.report["refused"] += 1
            time.sleep(0.02)
            return
        self.token = response.json()["token"]
        self.report["leases"] += 1

    def count(self):
        token = self.token
        counter = self.client.call("GET", self.session).json()["context"]["counter"] + 1
        if self.call(200, "PATCH", self.session, {"context": {"counter": counter}}, token=token) is not None:
            self.report["acknowledged"].append([counter, token])

    def keep(self):
        chance = self.random.random()
        if chance < RELEASE:
            self.report["releases"] += self.call(204, "DELETE", f"{self.session}/lease", token=self.token) is not None
            self.token = None
            time.sleep(self.random.random() / 20)
        elif chance < RENEW and self.call(200, "PUT", f"{self.session}/lease", self.term, token=self.token):
            self.report["renewals"] += 1

    def work(self, run_s):
        end = time.monotonic() + run_s
        while time.monotonic() < end:
            if self.token is None:
                self.take()
            else:
                self.count()
            if self.token is not None:
                self.keep()
        return self.report


if __name__ == "__main__":
    daemon = Daemon(*sys.argv[1:4], int(sys.argv[4]), sys.argv[6])
    print(json.dumps(daemon.work(float(sys.argv[5]))))
