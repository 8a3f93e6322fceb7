"""Workers do not outlive the job that they work for."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PROGRAM = """
import os, sys, time
from pathlib import Path
from curator.adapters.processes import ProcessPool

def report(_):
    Path(sys.argv[1], str(os.getpid())).touch()
    time.sleep(60)

if __name__ == "__main__":
    for _ in ProcessPool(2).map(report, range(8)):
        pass
"""


def alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    # A zombie that nobody reaps in a container is as ended as it gets.
    return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until(condition, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def test_workers_end_when_only_their_parent_is_killed(tmp_path: Path) -> None:
    script, seen = tmp_path / "job.py", tmp_path / "seen"
    script.write_text(PROGRAM)
    seen.mkdir()
    job = subprocess.Popen([sys.executable, str(script), str(seen)], stderr=subprocess.DEVNULL)
    assert wait_until(lambda: len(list(seen.iterdir())) == 2, 30)
    workers = [int(path.name) for path in seen.iterdir()]
    os.kill(job.pid, signal.SIGKILL)
    job.wait()
    assert wait_until(lambda: not any(map(alive, workers)), 10)
