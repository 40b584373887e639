"""A checkpoint of TabICL in its authors' format, with few weights, and rows that it can tell apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

_FEW_WEIGHTS = {
    "embed_dim": 16,
    "col_num_blocks": 1,
    "col_nhead": 2,
    "col_num_inds": 4,
    "row_num_blocks": 1,
    "row_nhead": 2,
    "row_num_cls": 2,
    "icl_num_blocks": 2,
    "icl_nhead": 2,
    "num_quantiles": 9,
}
_STEPS = 120


def two_sided(rows: int) -> pd.DataFrame:
    """Two numbers, a category that says nothing, whether their sum is positive, mostly (``side``), and the sum (``size``)."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, rows))
    frame = pd.DataFrame({"first": first, "second": second, "third": rng.choice(["a", "b", "c"], rows)})
    frame["side"] = np.where(first + second + rng.normal(scale=0.5, size=rows) > 0, "above", "below")
    frame["size"] = 3 * (first + second)
    frame.loc[::17, "second"] = np.nan
    return frame


def small_checkpoint(path: Path, *, classes: int) -> Path:
    """Save a small transformer for so many classes, or for numbers if `classes` is 0.

    It learned from made-up straight borders and slopes, in a few seconds, to tell from some rows what others are.
    """
    import torch
    from tabicl._model.tabicl import TabICL

    config = {"max_classes": classes, **_FEW_WEIGHTS}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so small that threads would only wait for each other
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = TabICL(**config).train()
        optimiser = torch.optim.Adam(network.parameters(), lr=4e-3)
        for _ in range(_STEPS):
            rows = torch.randn(16, 40, 2)
            size = (rows * torch.randn(16, 1, 2)).sum(-1)
            target = (size > 0).float() if classes else size
            said, true = network(rows, target[:, :24]), target[:, 24:]
            if classes:
                loss = torch.nn.functional.cross_entropy(said[..., :2].reshape(-1, 2), true.reshape(-1).long())
            else:
                loss = ((said.mean(-1) - true) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    torch.set_num_threads(threads)
    torch.save({"config": config, "state_dict": network.eval().state_dict()}, path)
    return path
