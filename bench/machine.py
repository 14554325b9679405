"""The machine in words: cores, instruction sets, caches, memory. No names of hosts, no paths. Standard library only."""
import os
import platform
import subprocess
from pathlib import Path

SETS = [("avx2", "AVX2"), ("avx512f", "AVX-512"), ("avx512ifma", "IFMA"), ("avx512_vnni", "VNNI"), ("avx512_bf16", "BF16"),
        ("gfni", "GFNI"), ("vaes", "VAES")]


def instruction_sets(cpuinfo):
    for line in cpuinfo.split("\n"):
        if line.startswith("flags"):
            flags = set(line.split(":", 1)[1].split())
            return [name for flag, name in SETS if flag in flags]
    return []


def caches():
    """{"L2": bytes, ...} of the first core, by level; data or unified."""
    found = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            if (index / "type").read_text().strip() == "Instruction":
                continue
            size = (index / "size").read_text().strip()
            found["L" + (index / "level").read_text().strip()] = int(size.rstrip("KM")) * (1 << (20 if size.endswith("M") else 10))
        except (OSError, ValueError):
            continue
    return found


def memory_bytes():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def size_text(n):
    return f"{n >> 20} MiB" if n >= 1 << 20 else f"{n >> 10} KiB"


def describe():
    sets = instruction_sets(Path("/proc/cpuinfo").read_text())
    return {"cores": len(os.sched_getaffinity(0)), "architecture": platform.machine(), "instruction_sets": sets,
            "caches": caches(), "memory_gib": round(memory_bytes() / (1 << 30))}


def in_words(machine):
    cached = ", ".join(f"{size_text(n)} {level}" for level, n in machine["caches"].items())
    return (f"{machine['cores']} core{'s' if machine['cores'] != 1 else ''} of an {machine['architecture']} CPU with "
            f"{', '.join(machine['instruction_sets']) or 'no vector extensions'}; caches: {cached or 'unknown'}; "
            f"{machine['memory_gib']} GiB of memory")


def version(repository):
    """The state of the sources, or nothing outside of a checkout."""
    done = subprocess.run(["git", "-C", repository, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""
