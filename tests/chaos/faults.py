"""What goes wrong: processes killed and stopped, a disk without room, blobs that cannot be read. All from one seed."""

import collections
import os
import resource
import signal
import subprocess
import time

PAUSE = (0.1, 0.7)     # seconds between faults
STOPPED = (0.2, 4.0)   # up to several beats
FULL = (0.5, 4.0)
UNREADABLE = (0.5, 8.0)
DISK_MB = 256


class Disk:
    """A small disk of its own for the network's folder, if this user may mount one; else files of the town may not grow."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0700", "tmpfs", str(folder)]
        self.mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0
        self.kind = f"tmpfs of {DISK_MB} MB" if self.mounted else "file size limit 0"

    def fill(self, town):
        if not self.mounted:
            self.limit(town, 0)
            return
        with open(self.folder / "filler", "wb", buffering=0) as filler:
            block = bytes(1 << 20)
            while len(block) > 512:
                try:
                    written = filler.write(block)
                except OSError:
                    written = 0
                if written < len(block):
                    block = block[: len(block) // 2]

    def free(self, town):
        if not self.mounted:
            self.limit(town, resource.RLIM_INFINITY)
            return
        (self.folder / "filler").unlink(missing_ok=True)

    @staticmethod
    def limit(town, size):
        for member in town.members():
            if member.alive():
                _, hard = resource.prlimit(member.process.pid, resource.RLIMIT_FSIZE)
                resource.prlimit(member.process.pid, resource.RLIMIT_FSIZE, (size, hard))

    def remove(self):
        if self.mounted:
            subprocess.run(["umount", str(self.folder)], capture_output=True)


class Faults:
    def __init__(self, town, disk, random):
        self.town, self.disk, self.random = town, disk, random
        self.counts, self.history, self.later = collections.Counter(), [], []
        self.start, self.next = time.monotonic(), time.monotonic() + 1
        self.full = False
        self.spoiled = set()
        self.kinds = (self.kill_worker, self.kill_worker, self.stop_worker, self.stop_worker, self.kill_coordinator, self.stop_coordinator,
                      self.kill_two_workers, self.kill_worker_and_coordinator, self.kill_client, self.fill_disk, self.lose_blob,
                      self.garble_blob, self.lock_blob)

    def note(self, kind, detail=""):
        self.counts[kind] += 1
        self.history.append([round(time.monotonic() - self.start, 3), kind, detail])

    def look(self):
        now = time.monotonic()
        due = [end for when, end in self.later if now >= when]
        self.later = [(when, end) for when, end in self.later if now < when]
        for end in due:
            end()
        if now >= self.next:
            self.random.choice(self.kinds)()
            self.next = time.monotonic() + self.random.uniform(*PAUSE)

    def over(self):
        """Everything is mended and goes on."""
        for _, end in self.later:
            end()
        self.later = []
        for member in self.town.members():
            member.go_on()

    # Processes.
    def kill(self, members, kind):
        for member in members:
            member.send(signal.SIGKILL)
        self.note(kind, " ".join(m.name for m in members))

    def stop(self, member, kind):
        seconds = self.random.uniform(*STOPPED)
        member.stop_for(seconds, time.monotonic())
        self.note(kind, f"{member.name} {seconds:.2f} s")

    def kill_worker(self):
        self.kill([self.random.choice(self.town.workers)], "kill_worker")

    def stop_worker(self):
        self.stop(self.random.choice(self.town.workers), "stop_worker")

    def kill_coordinator(self):
        self.kill([self.town.server], "kill_coordinator")

    def stop_coordinator(self):
        self.stop(self.town.server, "stop_coordinator")

    def kill_two_workers(self):
        self.kill(self.random.sample(self.town.workers, 2), "kill_two_workers")

    def kill_worker_and_coordinator(self):
        self.kill([self.random.choice(self.town.workers), self.town.server], "kill_worker_and_coordinator")

    def kill_client(self):
        asking = [c for c in self.town.open_clients() if c.process is not None]
        if asking:
            client = self.random.choice(asking)
            client.process.kill()
            self.note("kill_client", str(client.number))

    # The disk.
    def fill_disk(self):
        if self.full:
            return
        self.full = True
        self.disk.fill(self.town)
        seconds = self.random.uniform(*FULL)
        self.later.append((time.monotonic() + seconds, self.free_disk))
        self.note("full_disk", f"{seconds:.2f} s")

    def free_disk(self):
        self.disk.free(self.town)
        self.full = False

    # Blobs.
    def spoil(self, kind, how, back):
        blobs = sorted(p for p in (self.town.network / "engine/blobs").glob("*/*") if p.is_file() and len(p.name) == 62)
        blobs = [b for b in blobs if b not in self.spoiled]
        if not blobs or self.full:
            return
        # The newest ones are those in use; the first ones are the model's.
        blob = self.random.choice(blobs if self.random.random() < 0.5 else sorted(blobs, key=lambda b: b.stat().st_mtime)[-12:])
        good = blob.read_bytes()
        how(blob, good)
        self.spoiled.add(blob)
        seconds = self.random.uniform(*UNREADABLE)

        def mend():
            back(blob, good)
            self.spoiled.discard(blob)

        self.later.append((time.monotonic() + seconds, mend))
        self.note(kind, f"{blob.parent.name}{blob.name[:14]} {seconds:.2f} s")

    def restore(self, blob, good):
        if self.full:
            self.free_disk()
        if blob.is_dir():
            blob.rmdir()
        if not blob.exists() or blob.read_bytes() != good:
            new = blob.with_name("restored")
            new.write_bytes(good)
            new.chmod(0o600)
            new.rename(blob)

    def lose_blob(self):
        self.spoil("lost_blob", lambda blob, good: blob.unlink(), self.restore)

    def garble_blob(self):
        def garble(blob, good):
            at = self.random.randrange(max(1, len(good)))
            blob.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :] if good else b"x")

        self.spoil("garbled_blob", garble, self.restore)

    def lock_blob(self):
        """Nobody may read it; to the superuser, who may, it is a folder."""
        if os.geteuid() != 0:
            self.spoil("unreadable_blob", lambda blob, good: blob.chmod(0), lambda blob, good: blob.chmod(0o600))
            return

        def lock(blob, good):
            blob.unlink()
            blob.mkdir()

        self.spoil("unreadable_blob", lock, self.restore)
