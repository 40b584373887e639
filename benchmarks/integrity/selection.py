"""How much the best of many cross-validated scores flatters, and what is left of that after the correction.

    uv run python benchmarks/integrity/selection.py            # the table of docs/honest-score.md
    uv run python benchmarks/integrity/selection.py --repeats 50

Candidates are simulated with a known truth: each has an accuracy (or, for ROC AUC, a shift of its scores between
the classes) of its own, and its predictions are drawn from it, so the true score of whoever is chosen is known. The
errors of two candidates agree as much as `--agreement` says, as those of models on one table do.
"""

import argparse
import sys
import time
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from ml_engineer.statistics.metrics import Outcomes, metric_value
from ml_engineer.statistics.selection import corrected_score
from ml_engineer.vocabulary.estimates import Metric


@dataclass(frozen=True)
class Case:
    """Candidates whose truth is known.

    Parameters
    ----------
    metric : Metric
        What the choice is made by.
    rows, candidates : int
        Development rows, and how many candidates are compared.
    spread : float
        Standard deviation of the candidates' true scores; 0 if all are equally good.
    """

    metric: Metric
    rows: int
    candidates: int
    spread: float


CASES = [
    Case(metric, rows, candidates, spread)
    for metric in ("accuracy", "roc_auc")
    for rows in (100, 300, 1000)
    for candidates, spread in ((1, 0.0), (10, 0.0), (10, 0.03), (100, 0.0), (100, 0.03))
]
AVERAGE = 0.75


def simulate(case: Case, agreement: float, rng: np.random.Generator) -> tuple[list[Outcomes], np.ndarray]:
    """Draw the candidates' predictions, and give their true scores."""
    truths = np.clip(AVERAGE + case.spread * rng.normal(size=case.candidates), 0.52, 0.98)
    actual = rng.integers(0, 2, case.rows)
    shared = rng.normal(size=case.rows)
    drawn = []
    for truth in truths:
        noise = np.sqrt(agreement) * shared + np.sqrt(1 - agreement) * rng.normal(size=case.rows)
        if case.metric == "accuracy":
            right = noise < ndtri(truth)
            predicted = np.where(right, actual, 1 - actual)
            probabilities = None
        else:
            # Two normal distributions one shift apart have the area Phi(shift / sqrt 2).
            score = ndtr(noise + np.sqrt(2) * ndtri(truth) * actual)
            probabilities, predicted = np.c_[1 - score, score], (score > 0.5).astype(int)
        drawn.append(Outcomes("binary", actual, predicted, probabilities=probabilities, n_classes=2))
    return drawn, truths


def run_case(case: Case, *, repeats: int, agreement: float, replicates: int, seed: int) -> dict[str, float]:
    """Bias of the best score before and after, and how often the interval holds the truth."""
    best_bias, corrected_bias, covered, width = [], [], [], []
    for repeat in range(repeats):
        rng = np.random.default_rng([seed, repeat])
        candidates, truths = simulate(case, agreement, rng)
        scores = [metric_value(case.metric, candidate) for candidate in candidates]
        chosen = int(np.argmax(scores))
        corrected = corrected_score(case.metric, candidates, replicates=replicates, seed=repeat)
        best_bias.append(scores[chosen] - truths[chosen])
        corrected_bias.append(corrected.value - truths[chosen])
        covered.append(corrected.low <= truths[chosen] <= corrected.high)
        width.append(corrected.high - corrected.low)
    return {
        "before": float(np.mean(best_bias)),
        "after": float(np.mean(corrected_bias)),
        "covered": float(np.mean(covered)),
        "width": float(np.mean(width)),
    }


def main() -> int:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=250, help="simulated tables per line")
    parser.add_argument("--agreement", type=float, default=0.5, help="how much two candidates' errors agree, 0 to 1")
    parser.add_argument("--replicates", type=int, default=200, help="bootstrap replicates per table")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, nargs="+", help="only the lines with so many rows")
    parser.add_argument("--candidates", type=int, nargs="+", help="only the lines with so many candidates")
    parser.add_argument("--spread", type=float, nargs="+", help="only the lines with such a spread of the truth")
    options = parser.parse_args()
    print(f"{options.repeats} simulated tables a line, agreement of errors {options.agreement}, seed {options.seed}\n")
    print(
        "| Metric | Rows | Candidates | Spread of the truth | Bias of the best | Bias after correction | 95 % interval holds the truth | Mean width |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for case in CASES:
        if any(
            chosen and value not in chosen
            for chosen, value in (
                (options.rows, case.rows),
                (options.candidates, case.candidates),
                (options.spread, case.spread),
            )
        ):
            continue
        started = time.perf_counter()
        found = run_case(
            case,
            repeats=options.repeats,
            agreement=options.agreement,
            replicates=options.replicates,
            seed=options.seed,
        )
        print(
            f"| {case.metric} | {case.rows:,} | {case.candidates} | {case.spread:g} | {found['before']:+.4f} | "
            f"{found['after']:+.4f} | {found['covered']:.1%} | {found['width']:.3f} |",
            flush=True,
        )
        print(f"{time.perf_counter() - started:.1f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
