"""Starts one command and writes down what it cost: `starter.py FOLDER COMMAND...`.

Belongs here: `out`, `err` and `measure.json` in the folder. Not here: any import beyond what Python
has loaded anyway; the command's peak of memory would begin with it.
"""

import os
import sys
import time


def main(folder: str, command: list[str]) -> None:
    """Run the command; seconds, peak of memory in megabytes and exit code go to a file."""
    writing = os.O_WRONLY | os.O_CREAT
    actions = [
        (os.POSIX_SPAWN_OPEN, number, f"{folder}/{name}", writing, 0o644)
        for number, name in ((1, "out"), (2, "err"))
    ]
    began, begun = time.time(), time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - begun
    with open(f"{folder}/measure.json", "w", encoding="ascii") as file:  # noqa: PTH123 no pathlib
        file.write(
            f'{{"seconds": {seconds}, "megabytes": {usage.ru_maxrss / 1024}, "began": {began},'
            f' "cpu_seconds": {usage.ru_utime + usage.ru_stime},'
            f' "code": {os.waitstatus_to_exitcode(status)}}}'
        )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
