"""The processes of a chaos run: a coordinator, workers, clients that ask for runs; each is started again when it has ended."""

import collections
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from tiny_onnx import Graph  # noqa: E402

WORKERS, INPUTS, AT_ONCE = 4, 5, 6
BEAT_MS, COMMIT_S = 1000, 6
PROVED = 'default = "replicate(2)"\n[[rule]]\nslices = "1"\nmode = "proof"\n'
POLICIES = ("trust", "replicate(2)", "replicate(2)+audit(0.5)", "proved.toml")
# A file limit, where the disk can't be filled, must be an error and not the end of the process.
IGNORED = (signal.SIGXFSZ,)


def small_model():
    """Four layers: each slice takes milliseconds, its proof a little longer."""
    g = Graph(7)
    x = g.op("Relu", g.op("Gemm", "x", g.weights(16, 64, scale=0.4), g.weights(64, scale=0.2)))
    x = g.op("Relu", g.op("Gemm", x, g.weights(64, 64, scale=0.2), g.weights(64, scale=0.2)))
    x = g.op("Relu", g.op("Gemm", x, g.weights(64, 12, scale=0.2), g.weights(12, scale=0.2)))
    g.op("Gemm", x, g.weights(12, 4, scale=0.4), output="y")
    return g.model([("x", [1, 16])], [("y", [1, 4])])


class Member:
    """A process that goes on: whoever ends is started again. Its log is on the disk that gets full, too."""

    def __init__(self, town, name, command):
        self.town, self.name, self.command = town, name, command
        self.starts, self.stopped_until, self.again = 0, None, 0.0
        self.exits = collections.Counter()  # how it ended when nobody killed it
        self.process = None

    def start(self):
        with open(self.town.network / (self.name + ".log"), "ab") as log:
            self.process = subprocess.Popen(self.command, cwd=self.town.base, env=self.town.env, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, restore_signals=False)
        self.starts += 1

    def look(self, now):
        if self.stopped_until is not None and now >= self.stopped_until:
            self.go_on()
        if self.process is None or self.process.poll() is not None:
            if self.process is not None:
                if self.process.returncode != -signal.SIGKILL:
                    self.exits[str(self.process.returncode)] += 1
                self.process, self.stopped_until, self.again = None, None, now + 0.1
            if now >= self.again:
                self.start()

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def send(self, number):
        if self.alive():
            self.process.send_signal(number)

    def stop_for(self, seconds, now):
        self.send(signal.SIGSTOP)
        self.stopped_until = max(self.stopped_until or 0, now + seconds)

    def go_on(self):
        self.stopped_until = None
        self.send(signal.SIGCONT)

    def end(self):
        self.go_on()
        self.send(signal.SIGTERM)
        if self.process is not None:
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Client:
    """Asks for one run, again and again until it is told the end."""

    def __init__(self, town, number, policy, image):
        self.town, self.number, self.policy, self.image = town, number, policy, image
        self.nonce, self.out = f"{number:08x}", f"runs/{number}"
        self.asked, self.again, self.finished, self.lost = 0, 0.0, False, None
        self.process = None
        self.log = town.base / "logs" / f"client{number}.log"

    def look(self, now):
        if self.process is None:
            if now >= self.again:
                with open(self.log, "wb") as log:
                    self.process = subprocess.Popen(self.town.command("run", "D.dsm", self.image, "--network", self.town.network,
                                                                      "--policy", self.policy, "--nonce", self.nonce, "--out", self.out),
                                                    cwd=self.town.base, env=self.town.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                self.asked += 1
            return
        code = self.process.poll()
        if code is None:
            return
        self.process = None
        said = self.log.read_text(errors="replace")
        if code == 0:
            self.finished = True
        elif "the run failed" in said:
            self.lost = said.strip()
        else:  # killed, or the disk was full
            self.again = now + 0.5

    def over(self):
        return self.finished or self.lost is not None


class Town:
    def __init__(self, dsperse, base, network):
        self.dsperse, self.base, self.network = str(dsperse), base, network
        self.env = {**os.environ, "DSPERSE_STATE_DIR": str(base / "state"), "NO_COLOR": "1"}
        self.clients = []
        for number in IGNORED:
            signal.signal(number, signal.SIG_IGN)
        for folder in ("logs", "runs"):
            (base / folder).mkdir()
        (base / "net.onnx").write_bytes(small_model())
        (base / "proved.toml").write_text(PROVED)
        for i in range(INPUTS):
            (base / f"x{i}.json").write_text(json.dumps([((7 * i + 5) * (k + 3) % 41 - 20) / 20 for k in range(16)]))
        self.call("slice", "net.onnx", "--count", "4", "--policy", "trust", "--out", "D.plan")
        self.call("compile", "D.plan", "--out", "D.dsm")
        self.truth = []
        for i in range(INPUTS):
            self.call("run", "D.dsm", f"x{i}.json", "--out", f"truth{i}")
            self.truth.append(self.output(f"truth{i}"))
        self.server = Member(self, "serve", self.command("serve", "D.dsm", "--network", network, "--commit", COMMIT_S, "--patience", 0,
                                                         "--threads", 1))
        self.workers = [Member(self, f"worker{i}", self.command("worker", "--engine", network / "engine", "--state", network / f"workers/{i}",
                                                                "--operator", f"op{i}", "--beat", BEAT_MS, "--threads", 1))
                        for i in range(WORKERS)]

    def command(self, *args):
        return [self.dsperse, *map(str, args)]

    def call(self, *args, code=0):
        done = subprocess.run(self.command(*args), cwd=self.base, env=self.env, capture_output=True, text=True, timeout=300)
        if code is not None and done.returncode != code:
            raise SystemExit(f"dsperse {' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def output(self, run):
        outputs = json.loads((self.base / run / "output.json").read_text())["outputs"]
        return {name: edge["integers"] for name, edge in outputs.items()}

    def members(self):
        return [self.server, *self.workers]

    def open_clients(self):
        return [c for c in self.clients if not c.over()]

    def look(self):
        now = time.monotonic()
        for thing in [*self.members(), *self.open_clients()]:
            thing.look(now)

    def end(self):
        for client in self.clients:
            if client.process is not None:
                client.process.kill()
                client.process.wait()
        for member in self.members():
            member.end()
