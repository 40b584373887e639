"""Planning how rows are dealt, and cutting development rows into folds."""

from ml_engineer.splitting.folds import assign_folds, fold_pairs
from ml_engineer.splitting.groups import group_codes, query_codes
from ml_engineer.splitting.plan import plan_split

__all__ = ["assign_folds", "fold_pairs", "group_codes", "plan_split", "query_codes"]
