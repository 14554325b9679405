"""One command in a process of its own, under a guard of time and memory: what it took, what it printed, how it ended.

A command that takes too long or too much is killed, and that is a result: "did not fit". Standard library only.
Tested by bench/suite_test.py.
"""
import json
import os
import signal
import subprocess
import tempfile
import threading
import time

GIB = 1 << 30
FREE_LEFT = 1 << 30  # memory of the machine that a command must leave alone


def file_bytes(path, key):
    """A line "key: 123 kB" of a file; None where there is none, or no file any more."""
    try:
        with open(path) as lines:
            return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(key + ":")), None)
    except OSError:
        return None


def available_bytes():
    return file_bytes("/proc/meminfo", "MemAvailable")


def status_bytes(pid, key):
    return file_bytes(f"/proc/{pid}/status", key) or 0


def _watch(process, memory_bytes, deadline, ended):
    """Kills the process beyond a limit and says which."""
    while not ended["done"].wait(0.01):
        over = None
        ended["peak"] = max(ended["peak"], status_bytes(process.pid, "VmHWM"))
        if status_bytes(process.pid, "VmRSS") > memory_bytes or (available_bytes() or FREE_LEFT) < FREE_LEFT:
            over = "memory"
        elif time.monotonic() > deadline:
            over = "time"
        if over:
            ended["by"] = over
            process.send_signal(signal.SIGKILL)
            return


def run(command, memory_bytes=20 * GIB, seconds=1800, env=None, cwd=None):
    """{"ended": "well" | "memory" | "time" | "failed", "wall_s", "user_s", "system_s", "peak_bytes", "out", "error"}."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.monotonic()
        own = status_bytes("self", "VmHWM")  # what the kernel's own figure of a child is at least
        process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, cwd=cwd)
        ended = {"by": None, "peak": 0, "done": threading.Event()}
        watcher = threading.Thread(target=_watch, args=(process, memory_bytes, started + seconds, ended))
        watcher.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.send_signal(signal.SIGKILL)
            raise
        finally:
            ended["done"].set()
            watcher.join()
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        text, trouble = out.read().decode(errors="replace"), err.read().decode(errors="replace")
    how = ended["by"] or ("well" if process.returncode == 0 else "failed")
    peak = usage.ru_maxrss * 1024
    return {"ended": how, "wall_s": wall, "user_s": usage.ru_utime, "system_s": usage.ru_stime, "peak_bytes": peak if peak > own else ended["peak"],
            "out": text, "error": "" if how == "well" else last_line(trouble) or f"exit code {process.returncode}"}


def last_line(text):
    """The last `error:` line, else the last line that says something."""
    lines = [line.strip() for line in text.replace("\r", "\n").split("\n") if line.strip()]
    errors = [line for line in lines if line.startswith("error:")]
    return (errors or lines or [""])[-1][:300]


def document(done):
    """The JSON document that a verb printed; None if it did not end well."""
    return json.loads(done["out"]) if done["ended"] == "well" else None


def figures(done):
    """What is kept of a command."""
    kept = {k: done[k] for k in ("ended", "wall_s", "user_s", "system_s", "peak_bytes")}
    if done["ended"] != "well":
        kept["error"] = done["error"]
    return kept
