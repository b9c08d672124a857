"""Usage: `python -m benchmarks.crash [KILLS]` (500 by default); ends with 1 if a run differs.

Ctrl-C ends it early; what was found by then is printed.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from benchmarks.crash.harness import Laboratory

DOCUMENTS, TURNS, LATENCY = 8, 4, 0.08


def main() -> int:
    """Kill as often as asked, and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crash")
    parser.add_argument("kills", type=int, nargs="?", default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    chance = random.Random(options.seed)
    kills, runs, repeated, broken = Counter[str](), 0, 0, 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, suppress(KeyboardInterrupt):
        root = Path(folder) / "workspace"
        with Laboratory(root, documents=DOCUMENTS, turns=TURNS, latency=LATENCY) as laboratory:
            while kills.total() < options.kills:
                wanted = min(chance.randint(3, 10), options.kills - kills.total())
                scenario = laboratory.disturb(chance, kills=wanted)
                runs, repeated = runs + 1, repeated + scenario.repeated
                kills += scenario.kills
                for difference in scenario.differences:
                    broken += 1
                    print(f"run {runs} (seed {options.seed}): {difference}", flush=True)
    listed = ", ".join(f"{number} {moment}" for moment, number in kills.most_common())
    print(f"{kills.total()} kills ({listed}) in {runs} runs of {DOCUMENTS} documents")
    print(f"{repeated} calls repeated, all under way at a kill; {broken} differences")
    print(f"{time.monotonic() - began:.0f} s, seed {options.seed}")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
