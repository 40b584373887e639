"""The leading model with rows weighted so that the outcome does not depend on a sensitive group, offered at its price."""

from __future__ import annotations

from dataclasses import replace

from ml_engineer.evaluation.groups import group_labels
from ml_engineer.modelling.candidate import Candidate
from ml_engineer.modelling.offers import Offers
from ml_engineer.statistics.mitigation import reweighing
from ml_engineer.statistics.weighted_fit import takes_weights
from ml_engineer.verbs.training.rows import TrainingRows

__all__ = ["reweighted_offers"]

_MOST_COLUMNS = 2


def reweighted_offers(rows: TrainingRows) -> Offers | None:
    """What to price beside the leader; none for numbers, or where no column is sensitive.

    The weights are those of Kamiran and Calders (2012), see `statistics.mitigation.reweighing`.
    """
    frame = rows.development.frame
    columns = [name for name in rows.problem.sensitive_columns if name in frame.columns]
    if rows.data.task == "regression" or not columns:
        return None

    def offers(leader: Candidate) -> list[Candidate]:
        """One variant a sensitive column, of a model that takes weights."""
        if not takes_weights(leader.estimator):
            return []
        return [
            replace(
                leader,
                name=f"{leader.name} reweighted by {name}",
                why=f"{leader.why} Rows are weighted so that the outcome does not depend on the group.",
                row_weights=reweighing(group_labels(frame[name], frame[name]), rows.data.actual.astype(int)),
                mitigates=name,
            )
            for name in columns[:_MOST_COLUMNS]
        ]

    return offers
