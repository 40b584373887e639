"""Cross-validate what champion.py builds on the stored folds, track it, and fit and save it when asked.

Run it from anywhere; it needs nothing but the packages in pyproject.toml:

    python models/training/train.py              # the cross-validated score, compared with the recorded one
    python models/training/train.py --save       # also fit on all development rows and save for serving
    python models/training/train.py --no-track   # leave MLflow alone
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from data.features.contract import PROBLEM
from data.features.features import build_features
from models.evaluation.metrics import score
from models.training import champion
from models.training.development import (
    ROOT,
    fold_pairs,
    learned_target,
    load_development,
    row_weights,
    scored_target,
)
from models.training.fitting import fit
from models.training.prediction import as_table, learn_interval, more_about, predict

TOLERANCE = 1e-6
BY_HAND = "by-hand"  # name of the folder of what this script predicted


def cross_validate(rows: pd.DataFrame, folds: np.ndarray) -> tuple[pd.DataFrame, dict[int, float]]:
    """Predict every fold by a model that has not seen it.

    Returns
    -------
    pandas.DataFrame
        Columns ``row``, ``fold`` (-1 where never predicted), ``predicted`` and, for classes, ``p0``, ``p1``, ...
    dict
        The score on each fold.
    """
    features = build_features(rows)
    learned, scored, weights = learned_target(rows), scored_target(rows), row_weights(rows)
    table = as_table(rows.index.to_numpy())
    fold_scores = {}
    for number, train, test in fold_pairs(folds):
        if champion.FOLDS is not None and number not in champion.FOLDS:
            continue
        sample = learned_rows(train)
        known = None if weights is None else weights[sample]
        model = fit(champion.build_model(number), features.iloc[sample], learned[sample], known)
        predicted = predict(model, features.iloc[test], champion.DECISION_THRESHOLD)
        table.loc[test, predicted.columns] = predicted.to_numpy()
        table.loc[test, "fold"] = number
        fold_scores[number] = score(champion.METRIC, scored[test], predicted)
    return table.astype({"row": "int64", "fold": "int64"}), fold_scores


def learned_rows(places: np.ndarray) -> np.ndarray:
    """Give those of the training rows that the model learns from: all, or a sample if champion.py says of how many."""
    most = getattr(champion, "LEARNED_ROWS", None)
    if most is None or len(places) <= most:
        return places
    return np.sort(np.random.default_rng(0).choice(places, most, replace=False))


def pooled_score(rows: pd.DataFrame, table: pd.DataFrame) -> float:
    """Score all out-of-fold predictions together."""
    seen = table["fold"].to_numpy() >= 0
    return score(champion.METRIC, scored_target(rows)[seen], table[seen])


def compare(value: float, table: pd.DataFrame) -> bool:
    """Say how the score and the predictions compare with the recorded run; false if they are not the same."""
    if champion.RUN_ID is None or champion.EXPECTED_SCORE is None:
        print("Nothing has been trained yet: champion.py is a starting point, without a recorded score.")
        return True
    difference = abs(value - champion.EXPECTED_SCORE)
    print(f"recorded {champion.METRIC}: {champion.EXPECTED_SCORE:.6f} (run {champion.RUN_ID}), off by {difference:.1e}")
    same = difference <= TOLERANCE
    recorded = ROOT / "experiments" / "runs" / champion.RUN_ID / "out_of_fold.parquet"
    if recorded.exists():
        theirs = pd.read_parquet(recorded)
        columns = [name for name in table.columns if name != "fold"]
        largest = float(np.nanmax(np.abs(table[columns].to_numpy(float) - theirs[columns].to_numpy(float))))
        print(f"largest absolute difference of a prediction: {largest:.1e}")
        same = same and largest <= TOLERANCE
    print("The recorded run is reproduced." if same else "The recorded run is NOT reproduced.")
    return same


def main(arguments: list[str] | None = None) -> int:
    """Run the script; 0 if there was no recorded run or it was reproduced, 1 if it was not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--save", action="store_true", help="fit on all development rows and save for serving")
    parser.add_argument("--no-track", action="store_true", help="do not log to MLflow")
    options = parser.parse_args(arguments)

    rows, folds = load_development()
    # Linear algebra on several cores adds up in another order than the recorded run did.
    with threadpool_limits(limits=1, user_api="blas"):
        table, fold_scores = cross_validate(rows, folds)
    value = pooled_score(rows, table)
    print(f"cross-validated {champion.METRIC}: {value:.6f} on {int((table['fold'] >= 0).sum())} rows")
    print("by fold: " + ", ".join(f"{number}: {one:.4f}" for number, one in fold_scores.items()))
    same = compare(value, table)

    out_of_fold = ROOT / "experiments" / "runs" / BY_HAND / "out_of_fold.parquet"
    out_of_fold.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(out_of_fold)
    if options.save:
        from models.serving.champion_file import save_champion

        model = fit_on_everything(rows)
        further = getattr(champion, "FURTHER_ROWS", 0)
        if further:
            print(f"It learns from the {len(rows)} rows of development.parquet alone, a sample: {further} further rows")
            print("were in the model that this one replaces. To fit on more rows, read them in load_development.")
        folder = ROOT / "models" / "serving" / "champion"
        has_interval = PROBLEM.task == "regression" and PROBLEM.quantile is None
        manifest = save_champion(
            folder,
            model,
            build_features(rows.head(1)).columns.tolist(),
            run_id=champion.RUN_ID if same and champion.RUN_ID else BY_HAND,
            metric=champion.METRIC,
            score=value,
            decision_threshold=champion.DECISION_THRESHOLD,
            # Scores of rankings and survival have no unit, so nothing can be so far from them.
            interval=learn_interval(scored_target(rows), table, build_features(rows)) if has_interval else None,
            more=more_about(scored_target(rows), table),
        )
        print(f"saved {folder / manifest['model_file']}")
        if manifest["model_format"] == "pickle":
            print("It is a pickle, for it holds code of its own: what loads it must set ALLOW_PICKLE_MODEL=yes.")
    if not options.no_track:
        from models.training.tracking import track

        print(track(ROOT, champion.build_model(), champion.METRIC, value, fold_scores))
    return 0 if same else 1


def fit_on_everything(rows: pd.DataFrame) -> BaseEstimator:
    """Fit what champion.py builds on all development rows, or on a sample of them if it says so."""
    sample = learned_rows(np.arange(len(rows)))
    weights = row_weights(rows)
    known = None if weights is None else weights[sample]
    return fit(champion.build_model(), build_features(rows).iloc[sample], learned_target(rows)[sample], known)


if __name__ == "__main__":
    sys.exit(main())
