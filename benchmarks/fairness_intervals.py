"""Do the intervals of the largest difference between groups keep their promise, and what would four fifths say?

    uv run python benchmarks/fairness_intervals.py [--tables 400]

Simulated tables with known rates. Prints, per setting: how often the 95 % interval covers the true difference, how often
each verdict is given at a tolerance of 0.1, and how often the four-fifths rule fails.
"""

from __future__ import annotations

import argparse

import numpy as np

from ml_engineer.statistics.fairness import compare_groups
from ml_engineer.statistics.group_measures import Measured

SETTINGS = {
    "8 x 200, all 0.3": [(200, 0.3)] * 8,
    "500 + 50, both 0.3": [(500, 0.3), (50, 0.3)],
    "40 + 200 + 600, 0.5 0.6 0.7": [(40, 0.5), (200, 0.6), (600, 0.7)],
    "500 + 500, 0.3 0.4": [(500, 0.3), (500, 0.4)],
    "500 + 500, 0.3 0.5": [(500, 0.3), (500, 0.5)],
    "3000 + 3000, 0.70 0.72": [(3000, 0.7), (3000, 0.72)],
    "3 x 40, 0.90 0.90 0.95": [(40, 0.9), (40, 0.9), (40, 0.95)],
}


def simulate(groups: list[tuple[int, float]], tables: int) -> dict[str, float]:
    rng = np.random.default_rng(0)
    names = np.repeat([f"g{place}" for place in range(len(groups))], [rows for rows, _ in groups]).astype(object)
    rates = np.repeat([rate for _, rate in groups], [rows for rows, _ in groups])
    truth = max(rate for _, rate in groups) - min(rate for _, rate in groups)
    counts = dict.fromkeys(
        ["covered", "disparity shown", "within the tolerance you set", "not enough data", "below"], 0
    )
    for seed in range(tables):
        values = (rng.random(len(names)) < rates).astype(float)
        measured = Measured("selection_rate", values, np.ones(len(names), dtype=bool), is_share=True)
        one = compare_groups(measured, names, columns=("group",), tolerance=0.1, seed=seed)
        assert one.difference is not None
        counts["covered"] += one.difference.low <= truth + 1e-12 and truth - 1e-12 <= one.difference.high
        counts[one.verdict] += 1
        counts["below"] += one.four_fifths is not None and one.four_fifths.below
    return {name: count / tables for name, count in counts.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=400)
    tables = parser.parse_args().tables
    print("| Groups and true rates | Covered | Disparity shown | Within | Not enough data | Four fifths fails |")
    print("|---|---|---|---|---|---|")
    for name, groups in SETTINGS.items():
        shares = simulate(groups, tables)
        print(f"| {name} | " + " | ".join(f"{share:.0%}" for share in shares.values()) + " |")


if __name__ == "__main__":
    main()
