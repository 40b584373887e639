"""Defects to plant: each takes a clean table and a strength, and says what an honest engineer should notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from tables import Rng, Table

Strength = Literal["weak", "medium", "strong"]
STRENGTHS: tuple[Strength, ...] = ("weak", "medium", "strong")


@dataclass(frozen=True)
class Planted:
    """A table with a defect.

    columns : names of which at least one must be named; empty if the defect has none.
    codes : checks that may notice it, besides any check of leaks that names a column.
    told : further arguments of frame_problem.
    code : features.py of the project, if the defect lies in code.
    lost : columns that are worthless when the model is used.
    retold : whether the target is told in another unit, so that fresh rows are no yardstick.
    """

    frame: pd.DataFrame
    columns: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    told: dict[str, Any] = field(default_factory=dict)
    code: str = ""
    lost: tuple[str, ...] = ()
    test: pd.DataFrame | None = None
    retold: bool = False


@dataclass(frozen=True)
class Defect:
    name: str
    plant: Callable[[Table, Strength, Rng], Planted]
    tasks: tuple[str, ...] = ("binary", "multiclass", "regression")
    needs: str = ""
    """'time', 'groups', 'rows' (enough rows), 'numbers' or nothing."""


def _level(strength: Strength, weak: float, medium: float, strong: float) -> float:
    return {"weak": weak, "medium": medium, "strong": strong}[strength]


def _rank(table: Table) -> np.ndarray:
    """The target between 0 and 1: ranks, or classes evenly spaced."""
    column = table.frame[table.target]
    if table.task == "regression":
        return ((column.rank() - 0.5) / len(column)).to_numpy()
    codes = pd.factorize(column, sort=True)[0].astype(float)
    return codes / max(codes.max(), 1)


def _leak(table: Table, values: object, name: str, **more: Any) -> Planted:
    return Planted(table.frame.assign(**{name: values}), (name,), lost=(name,), **more)


def noisy_copy(table: Table, strength: Strength, rng: Rng) -> Planted:
    """The target with noise on it: an estimate made when it was known. The noise goes with the gap between two classes."""
    noise = _level(strength, 0.45, 0.22, 0.05) * {"binary": 1.0, "multiclass": 0.5, "regression": 0.3}[table.task]
    return _leak(table, (100 * (_rank(table) + rng.normal(0, noise, len(table.frame)))).round(2), "assessment")


def recoded(table: Table, strength: Strength, rng: Rng) -> Planted:
    """The classes under other names, or the target in bands; now and then unknown."""
    unknown = _level(strength, 0.6, 0.3, 0.0)
    rank = _rank(table)
    bands = np.digitize(rank, [0.25, 0.5, 0.75]) if table.task == "regression" else np.round(rank * 10).astype(int)
    codes = pd.Series([f"K{value}" for value in bands], dtype="str").mask(rng.random(len(rank)) < unknown, "K99")
    return _leak(table, codes.to_numpy(), "file_code")


def late_category(table: Table, strength: Strength, rng: Rng) -> Planted:
    """A status that is written when the case is over."""
    positive = _rank(table) > 0.6
    written = positive & (rng.random(len(positive)) < _level(strength, 0.15, 0.4, 0.9))
    plain = rng.choice(["open", "active", "new"], len(positive))
    return _leak(table, np.where(written, "case closed", plain), "status", codes=("LEA012",))


def mirrored_gaps(table: Table, strength: Strength, rng: Rng) -> Planted:
    """A field that is filled in only when something happened."""
    positive = _rank(table) > 0.6
    filled = np.where(
        positive, rng.random(len(positive)) < _level(strength, 0.3, 0.6, 0.95), rng.random(len(positive)) < 0.03
    )
    values = rng.normal(50, 10, len(positive)).round(1)
    return _leak(table, np.where(filled, values, np.nan), "second_reading", codes=("LEA002",))


def group_average(table: Table, strength: Strength, rng: Rng) -> Planted:
    """The target's average per place, taken over all rows, this one too."""
    size = int(_level(strength, 40, 12, 4))
    place = rng.integers(0, max(len(table.frame) // size, 2), len(table.frame))
    target = pd.Series(_rank(table)) if table.task != "regression" else table.frame[table.target].astype(float)
    return _leak(table, target.groupby(place).transform("mean").round(6).to_numpy(), "place_average", codes=("LEA009",))


def pair_difference(table: Table, strength: Strength, rng: Rng) -> Planted:
    """Two amounts whose difference is the outcome."""
    before = rng.normal(500, 120, len(table.frame))
    noise = _level(strength, 30, 12, 2) * {"binary": 1.0, "multiclass": 0.5, "regression": 0.4}[table.task]
    step = (2 * _rank(table) - 1) * 40 + rng.normal(0, noise, len(table.frame))
    frame = table.frame.assign(balance_before=before.round(2), balance_after=(before + step).round(2))
    return Planted(frame, ("balance_before", "balance_after"), ("LEA010",), lost=("balance_after",))


def pair_code(table: Table, strength: Strength, rng: Rng) -> Planted:
    """A code in two halves, neither of which says a thing alone."""
    positive = (_rank(table) > 0.5).astype(int)
    first = rng.integers(0, 2, len(positive))
    wrong = rng.random(len(positive)) < _level(strength, 0.2, 0.05, 0.0)
    return Planted(
        table.frame.assign(part_a=first, part_b=first ^ positive ^ wrong),
        ("part_a", "part_b"),
        ("LEA010",),
        lost=("part_b",),
    )


def parts_of_total(table: Table, strength: Strength, rng: Rng) -> Planted:
    """Components that sum to the target, or votes that decide it; a few do not add up."""
    rows = len(table.frame)
    wrong = rng.random(rows) < _level(strength, 0.1, 0.01, 0.0)
    if table.task == "regression":
        total = table.frame[table.target].astype(float).to_numpy()
        shares = rng.dirichlet([2, 3, 4], rows) * total[:, None]
        shares[wrong] *= 1.1
        parts = pd.DataFrame(shares.round(4), columns=["part_1", "part_2", "part_3"])
    else:
        votes = rng.integers(0, 2, (rows, 5))
        positive = (_rank(table) > 0.5) ^ wrong
        for row in np.flatnonzero((votes.sum(axis=1) > 2) != positive):
            votes[row] = 1 - votes[row]
        parts = pd.DataFrame(votes, columns=[f"part_{judge}" for judge in range(1, 6)])
    return Planted(
        pd.concat([table.frame, parts], axis=1), tuple(parts.columns), ("LEA008", "LEA011"), lost=tuple(parts.columns)
    )


def ordered_identifier(table: Table, strength: Strength, rng: Rng) -> Planted:
    """Numbers given in the order of the outcome."""
    order = np.argsort(np.argsort(_rank(table) + rng.normal(0, _level(strength, 0.8, 0.35, 0.02), len(table.frame))))
    return _leak(table, [f"{100_000 + place}" for place in order], "case_number", codes=("LEA003", "DAT008"))


def batches(table: Table, strength: Strength, rng: Rng) -> Planted:
    """Rows of one batch lie together in the file and share their outcome, and no column says so."""
    keep = rng.random(len(table.frame)) < _level(strength, 0.4, 0.7, 1.0)
    order = np.argsort(_rank(table) + rng.normal(0, 1e-6, len(table.frame)), kind="stable")
    blocks = np.array_split(order, max(len(order) // 50, 2))
    rng.shuffle(blocks)
    placed = np.concatenate(blocks)
    loose = ~keep[placed]
    placed[loose] = rng.permutation(placed[loose])
    return Planted(table.frame.iloc[placed].reset_index(drop=True), codes=("LEA004",))


def late_time(table: Table, strength: Strength, rng: Rng) -> Planted:
    """The time at which a case was settled, sooner or later according to how it ended."""
    opened = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 500 * 24, len(table.frame)), unit="h")
    days = rng.gamma(3.0, 4.0, len(table.frame)) * (1 + _level(strength, 0.5, 2, 8) * _rank(table))
    frame = table.frame.assign(opened=opened, settled_at=opened + pd.to_timedelta(days * 24, unit="h").round("s"))
    return Planted(frame, ("settled_at",), ("LEA013",), lost=("settled_at",))


def telling_name(table: Table, strength: Strength, rng: Rng) -> Planted:
    """A column whose name says that it comes after."""
    name = {"weak": "final_amount", "medium": "outcome_code", "strong": f"{table.target}_reason"}[strength]
    values = rng.integers(0, 5, len(table.frame)) + np.round(3 * _rank(table) * (rng.random(len(table.frame)) < 0.5))
    return _leak(table, values, name, codes=("LEA005",))


def future_target(table: Table, strength: Strength, rng: Rng) -> Planted:
    """A lag that was shifted the wrong way."""
    later = table.frame[table.target].shift(-1)
    unknown = rng.random(len(later)) < _level(strength, 0.4, 0.2, 0.0)
    return _leak(table, later.mask(unknown), "lag_1", codes=("LEA016",))


def undeclared_groups(table: Table, strength: Strength, rng: Rng) -> Planted:
    """Several rows a thing, which share features and outcome; the key is there, nobody declared it."""
    size = int(_level(strength, 2, 4, 8))
    frame = table.frame.head(max(len(table.frame) // size, 40))
    frame = pd.concat(
        [frame.assign(device=[f"D{number:05d}" for number in range(len(frame))])] * size, ignore_index=True
    )
    for name in frame.select_dtypes("number").columns.difference([table.target]):
        frame[name] = frame[name] + rng.normal(0, 0.02 * float(frame[name].std() or 1), len(frame))
    if table.task == "regression":
        frame[table.target] = frame[table.target] * (1 + rng.normal(0, 0.01, len(frame)))
    return Planted(
        frame.sample(frac=1, random_state=0, ignore_index=True), ("device",), ("SPL002", "SPL009", "SPL011", "LEA014")
    )


def copies(table: Table, strength: Strength, rng: Rng) -> Planted:
    """Rows that come twice."""
    again = table.frame.sample(frac=_level(strength, 0.03, 0.12, 0.5), random_state=int(rng.integers(1e6)))
    frame = pd.concat([table.frame, again]).sample(frac=1, random_state=0, ignore_index=True)
    return Planted(frame, codes=("DAT001", "SPL006"))


def near_copies(table: Table, strength: Strength, rng: Rng) -> Planted:
    """Rows that come again with a trace of noise in every measurement."""
    again = table.frame.sample(frac=_level(strength, 0.05, 0.2, 0.6), random_state=int(rng.integers(1e6)))
    measured = again.select_dtypes("number").columns.difference([table.target])
    noise = {name: rng.normal(0, 1e-3 * float(again[name].std() or 1), len(again)) for name in measured}
    again = again.assign(**{name: again[name].astype(float) + noise[name] for name in measured})
    frame = pd.concat([table.frame, again]).sample(frac=1, random_state=0, ignore_index=True)
    return Planted(frame, codes=("SPL009", "DAT001", "LEA014"))


def contradictions(table: Table, strength: Strength, rng: Rng) -> Planted:
    """Rows that come twice, with different outcomes."""
    again = table.frame.sample(frac=_level(strength, 0.03, 0.1, 0.4), random_state=int(rng.integers(1e6)))
    again = again.assign(**{table.target: rng.permutation(again[table.target].to_numpy())})
    frame = pd.concat([table.frame, again]).sample(frac=1, random_state=0, ignore_index=True)
    return Planted(frame, codes=("DAT002", "DAT001", "SPL006", "DAT015"))


def wrong_labels(table: Table, strength: Strength, rng: Rng) -> Planted:
    """Labels mixed up by whoever typed them, on top of a problem that is otherwise clear."""
    positive = _rank(table) > 0.5
    frame = table.frame.assign(
        reading_1=(3.0 * positive + rng.normal(0, 0.8, len(positive))).round(3),
        reading_2=(3.0 * positive + rng.normal(0, 0.8, len(positive))).round(3),
        reading_3=(3.0 * positive + rng.normal(0, 0.8, len(positive))).round(3),
    )
    wrong = rng.random(len(positive)) < _level(strength, 0.03, 0.1, 0.2)
    frame.loc[wrong, table.target] = rng.permutation(frame.loc[wrong, table.target].to_numpy())
    if table.task == "binary":
        first, second = sorted(table.frame[table.target].unique())
        flipped = table.frame.loc[wrong, table.target].map({first: second, second: first})
        frame.loc[wrong, table.target] = flipped
    return Planted(frame, codes=("DAT015",))


def drifting_target(table: Table, strength: Strength, rng: Rng) -> Planted:
    """The outcome becomes more frequent (or larger) as time goes on."""
    pull = _level(strength, 0.4, 1.2, 4.0)
    order = np.argsort(pull * _rank(table) + rng.normal(0, 1, len(table.frame)))
    frame = table.frame.iloc[order].reset_index(drop=True)
    frame["recorded_on"] = pd.date_range("2023-01-01", periods=len(frame), freq="h")
    return Planted(frame, ("recorded_on",), ("SPL004", "SPL005", "SPL011", "timed split"))


def wandering_level(table: Table, strength: Strength, rng: Rng) -> Planted:
    """A level that wanders with time and lifts the target: rows of one time resemble each other."""
    rows = len(table.frame)
    walk = np.cumsum(rng.normal(0, 1, rows))
    walk = (walk - walk.mean()) / walk.std()
    order = np.argsort(np.argsort(_rank(table) + rng.normal(0, 0.05, rows)))
    wanted = np.argsort(np.argsort(walk * _level(strength, 0.5, 1.0, 3.0) + rng.normal(0, 1, rows)))
    frame = table.frame.iloc[np.argsort(order)[wanted]].reset_index(drop=True)
    frame["recorded_on"] = pd.date_range("2023-01-01", periods=rows, freq="h")
    return Planted(frame, ("recorded_on",), ("SPL004", "SPL005", "SPL010", "SPL011", "timed split"))


def unripe(table: Table, strength: Strength, rng: Rng) -> Planted:
    """The newest rows have not had the time to end in the rarer way."""
    frame = table.frame.copy()
    frame["recorded_on"] = pd.date_range("2023-01-01", periods=len(frame), freq="h")
    common, rare = frame[table.target].value_counts().index[:2]
    young = (np.arange(len(frame)) > 0.95 * len(frame)) & (frame[table.target] == rare)
    frame.loc[young & (rng.random(len(frame)) < _level(strength, 0.3, 0.75, 1.0)), table.target] = common
    # Dealt by time, the newest rows would all be sealed, where no check looks.
    return Planted(frame, ("recorded_on",), ("SPL010", "SPL005"), told={"time_column": ""})


def useless(table: Table, strength: Strength, rng: Rng) -> Planted:
    """A target that has nothing to do with the rest (weak: a little)."""
    keep = rng.random(len(table.frame)) < _level(strength, 0.1, 0.03, 0.0)
    target = table.frame[table.target].to_numpy(copy=True)
    target[~keep] = rng.permutation(target[~keep])
    return Planted(table.frame.assign(**{table.target: target}), codes=("signal",))


def sentinels(table: Table, strength: Strength, rng: Rng) -> Planted:
    """A code for 'no value' among measurements."""
    code = float(rng.choice([-999, -1, 999, 9999]))
    values = rng.uniform(5, 60, len(table.frame)).round(1) + 5 * _rank(table)
    values[rng.random(len(values)) < _level(strength, 0.004, 0.02, 0.1)] = code
    return Planted(table.frame.assign(wind=values), ("wind",), ("DAT012",))


def mixed_units(table: Table, strength: Strength, rng: Rng) -> Planted:
    """Some weights in grams among kilograms."""
    values = rng.normal(70, 12, len(table.frame)).clip(35) + 5 * _rank(table)
    values[rng.random(len(values)) < _level(strength, 0.012, 0.04, 0.15)] *= 1000
    return Planted(table.frame.assign(weight=values.round(1)), ("weight",), ("DAT014",))


def units_as_text(table: Table, strength: Strength, rng: Rng) -> Planted:
    """Numbers with units typed behind them, two units."""
    pounds = rng.random(len(table.frame)) < _level(strength, 0.02, 0.1, 0.4)
    values = rng.normal(70, 12, len(table.frame)).clip(35)
    texts = [
        f"{value * (2.2 if other else 1):.1f} {'lb' if other else 'kg'}"
        for value, other in zip(values, pounds, strict=True)
    ]
    return Planted(table.frame.assign(weight=texts), ("weight",), ("DAT014", "DAT007", "reader"))


def words_among_numbers(table: Table, strength: Strength, rng: Rng) -> Planted:
    """A few words in a column of numbers."""
    values = pd.Series(rng.normal(70, 12, len(table.frame)).round(1).astype(str), dtype="str")
    odd = rng.random(len(values)) < _level(strength, 0.01, 0.04, 0.15)
    values[odd] = rng.choice(["see file", "too low", "broken"], int(odd.sum()))
    return Planted(table.frame.assign(weight=values.to_numpy()), ("weight",), ("DAT007", "reader"))


def spellings(table: Table, strength: Strength, rng: Rng) -> Planted:
    """One category in several spellings."""
    values = pd.Series(rng.choice(["Berlin", "Paris", "Rome", "Madrid"], len(table.frame)), dtype="str")
    odd = rng.random(len(values)) < _level(strength, 0.005, 0.03, 0.2)
    values[odd] = values[odd].map(lambda text: f" {text.upper()}")
    return Planted(table.frame.assign(city=values.to_numpy()), ("city",), ("DAT010",))


def personal(table: Table, strength: Strength, rng: Rng) -> Planted:
    """E-mail addresses: in a column of their own, or inside a note."""
    rows = len(table.frame)
    address = [f"user{rng.integers(1e6)}@mail{rng.integers(90)}.example" for _ in range(rows)]
    if strength == "strong":
        # Harmless where the model does not see it, which is then said as advice.
        return Planted(table.frame.assign(contact=address), ("contact",), ("DAT013",), lost=("contact",))
    share = _level(strength, 0.02, 0.15, 1.0)
    notes = [
        f"{' '.join(rng.choice(NOTE_WORDS, 7))} {mail if rng.random() < share else ''} {rng.integers(1e6)}"
        for mail in address
    ]
    return Planted(table.frame.assign(note=notes), ("note",), ("DAT013",))


NOTE_WORDS = [
    "customer",
    "asked",
    "about",
    "the",
    "bill",
    "and",
    "was",
    "told",
    "to",
    "wait",
    "until",
    "next",
    "week",
    "for",
    "an",
    "answer",
    "from",
    "us",
]


def proxy(table: Table, strength: Strength, rng: Rng) -> Planted:
    """A column that tells a sensitive one, declared as such, apart."""
    sex = rng.integers(0, 2, len(table.frame))
    told = sex + rng.normal(0, _level(strength, 1.2, 0.55, 0.15), len(sex))
    frame = table.frame.assign(sex=np.where(sex == 1, "f", "m"), tariff=told.round(3))
    return Planted(
        frame, ("tariff", "sex"), ("FAI003",), told={"sensitive_columns": ["sex"], "exclude_columns": ["sex"]}
    )


def tiny_class(table: Table, strength: Strength, rng: Rng) -> Planted:
    """A class with hardly a row."""
    rows = int(_level(strength, 25, 12, 4))
    frame = table.frame.copy()
    frame.loc[rng.choice(len(frame), rows, replace=False), table.target] = "exotic"
    return Planted(frame, codes=("DAT003", "SPL007", "refused"))


def hidden_imbalance(table: Table, strength: Strength, rng: Rng) -> Planted:
    """A rare class, and accuracy asked for."""
    common = table.frame[table.target].value_counts().index[0]
    keep = (table.frame[table.target] == common) | (rng.random(len(table.frame)) < _level(strength, 0.6, 0.3, 0.12))
    return Planted(table.frame[keep].reset_index(drop=True), codes=("DAT004",), told={"metric": "accuracy"})


def contaminated_test(table: Table, strength: Strength, _rng: Rng) -> Planted:
    """The person's own test file holds rows of the training file."""
    test = table.frame.sample(frac=0.25, random_state=0)
    train = table.frame.drop(test.index).reset_index(drop=True)
    known = train.sample(n=int(len(test) * _level(strength, 0.03, 0.15, 0.6)), random_state=1)
    return Planted(train, codes=("SPL012", "refused"), test=pd.concat([test, known], ignore_index=True))


_HEAD = "import pandas as pd\n\n\ndef build_features(rows):\n    features = rows[COLUMNS].copy()\n"


def greedy_features(table: Table, strength: Strength, _rng: Rng) -> Planted:
    """features.py that looks at other rows."""
    number = next((name for name in table.frame.select_dtypes("number").columns if name != table.target), None)
    made = {
        "weak": f"rows[{number!r}].fillna(rows[{number!r}].median())",
        "medium": f"rows[{number!r}] - rows[{number!r}].mean()",
        "strong": f"rows[{number!r}].rank(pct=True)",
    }[strength]
    return Planted(
        table.frame, ("made",), ("LEA017",), code=f"{_HEAD}    features['made'] = {made}\n    return features\n"
    )


def reading_features(table: Table, strength: Strength, _rng: Rng) -> Planted:
    """features.py that fetches the target from the project's files."""
    how = {
        "weak": "pd.read_parquet(where)",
        "medium": "__import__('pyarrow.parquet', fromlist=['x']).read_table(where).to_pandas()",
        "strong": "pd.read_parquet(where, columns=[TARGET])",
    }[strength]
    body = (
        "    from pathlib import Path\n"
        "    where = Path(__file__).parents[1] / 'processed' / 'development.parquet'\n"
        f"    known = {how}[TARGET]\n"
        "    codes = pd.Series(pd.factorize(known, sort=True)[0], index=known.index).astype(float)\n"
        "    features['made'] = codes.reindex(rows.index).fillna(-1.0)\n    return features\n"
    )
    return Planted(table.frame, codes=("LEA018", "LEA006"), code=f"TARGET = {table.target!r}\n{_HEAD}{body}")


CLASSES = ("binary", "multiclass")
DEFECTS: tuple[Defect, ...] = (
    Defect("noisy copy of the target", noisy_copy),
    Defect("target under another name", recoded),
    Defect("category written afterwards", late_category),
    Defect("gaps that mirror the target", mirrored_gaps),
    Defect("target average over all rows", group_average),
    Defect("difference of two columns", pair_difference),
    Defect("code in two halves", pair_code, CLASSES),
    Defect("parts that sum to the target", parts_of_total, ("binary", "regression")),
    Defect("identifier in order of the target", ordered_identifier),
    Defect("batches in the file", batches, needs="ungrouped"),
    Defect("time after the outcome", late_time),
    Defect("name that says afterwards", telling_name),
    Defect("lag shifted into the future", future_target, needs="time"),
    Defect("undeclared groups", undeclared_groups, needs="ungrouped"),
    Defect("copies of rows", copies, needs="ungrouped"),
    Defect("near-copies of rows", near_copies, needs="measured"),
    Defect("copies with other labels", contradictions, needs="ungrouped"),
    Defect("wrong labels", wrong_labels),
    Defect("target drifts with time", drifting_target, needs="untimed"),
    Defect("level wanders with time", wandering_level, needs="untimed"),
    Defect("outcomes still to come", unripe, ("binary",), needs="untimed"),
    Defect("useless target", useless),
    Defect("codes for no value", sentinels),
    Defect("grams among kilograms", mixed_units),
    Defect("two units as text", units_as_text),
    Defect("words among numbers", words_among_numbers),
    Defect("several spellings", spellings),
    Defect("personal data", personal),
    Defect("proxy of a sensitive column", proxy),
    Defect("tiny class", tiny_class, CLASSES),
    Defect("accuracy on a rare class", hidden_imbalance, ("binary",)),
    Defect("contaminated test file", contaminated_test, needs="untimed"),
    Defect("features that see other rows", greedy_features),
    Defect("features that read the target", reading_features),
)


def applies(defect: Defect, table: Table) -> bool:
    """Whether the defect can be planted in the table at all."""
    if table.task not in defect.tasks:
        return False
    timed, grouped = "time_column" in table.told, "group_columns" in table.told
    measured = table.frame.drop(columns=table.target).select_dtypes("number")
    return {
        "": True,
        "time": timed,
        "untimed": not timed and not grouped,
        "ungrouped": not timed and not grouped,
        "measured": not timed and not grouped and int((measured.nunique() > len(table.frame) / 20).sum()) >= 3,
    }[defect.needs]
