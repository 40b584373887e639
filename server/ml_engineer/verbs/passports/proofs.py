"""Proving a passport's claims by what lies in the project: hashes, chains, and numbers in their places."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ml_engineer import seal
from ml_engineer.errors import MlEngineerError
from ml_engineer.project.approvals import approval_faults, load_approvals
from ml_engineer.project.definition import load_problem
from ml_engineer.project.files import file_sha256
from ml_engineer.project.layout import ProjectLayout
from ml_engineer.project.records import find_record, load_record
from ml_engineer.project.tally import load_tally
from ml_engineer.verbs.passports.documents import prove_documents
from ml_engineer.verbs.passports.numbers import number_at, reported_numbers
from ml_engineer.verbs.passports.sections import champion_section, data_section, gate_section, problem_section
from ml_engineer.vocabulary.evaluation import EvaluationReport
from ml_engineer.vocabulary.guardrails import Waivers
from ml_engineer.vocabulary.passport import Passport, Proof
from ml_engineer.vocabulary.records import Record
from ml_engineer.vocabulary.split import LedgerEntry, SplitPlan
from ml_engineer.vocabulary.training import TrainingRun

__all__ = ["prove_by_files", "scores_apart"]

_SHORTEST_REASON = 10


def prove_by_files(layout: ProjectLayout, passport: Passport) -> Iterator[Proof]:
    """Everything that needs no model: fast, and possible on a clone, where some files are not there.

    Yields
    ------
    Proof
        One a claim.
    """
    yield from _files(layout, passport)
    yield from _records(layout, passport)
    yield from _champion(layout, passport)
    yield from _sections(layout, passport)
    yield from _ledger(layout, passport)
    yield from _held_out_scores(layout, passport)
    yield from _numbers(layout, passport)
    yield from _gate(layout, passport)
    yield from _approvals(layout, passport)
    yield from prove_documents(layout, passport)


def _proved(claim: str) -> Proof:
    return Proof(claim=claim, outcome="proved")


def _failed(claim: str, found: str) -> Proof:
    return Proof(claim=claim, outcome="failed", found=found)


def _not_checked(claim: str, why: str) -> Proof:
    return Proof(claim=claim, outcome="not_checked", found=why)


def _files(layout: ProjectLayout, passport: Passport) -> Iterator[Proof]:
    for file in passport.files:
        path, claim = layout.root / file.path, f"{file.path} is as {file.written_by} left it"
        if not path.is_file():
            if file.in_repository:
                yield _failed(claim, "the file is missing")
            else:
                yield _not_checked(claim, "the file is not kept in version control and not here")
        elif file_sha256(path) != file.sha256:
            yield _failed(claim, "the file was changed since")
        else:
            yield _proved(claim)


def _records(layout: ProjectLayout, passport: Passport) -> Iterator[Proof]:
    """Problem, rows and split are those that everything later was made from."""
    claim = "problem and split are those that the champion was trained on"
    try:
        problem, split = load_problem(layout), load_record(layout, SplitPlan)
        training = find_record(layout, TrainingRun)
    except MlEngineerError as error:
        yield _failed(claim, str(error))
        return
    now = {"problem": problem.content_hash(), "split": split.content_hash()}
    changed = [] if training is None else [kind for kind, value in now.items() if training.parents.get(kind) != value]
    if passport.problem.content_sha256 != now["problem"] and "problem" not in changed:
        changed.append("problem")
    yield _failed(claim, f"the {' and the '.join(changed)} changed since") if changed else _proved(claim)
    rows = passport.data
    same = all(
        getattr(rows, name) == getattr(split, name)
        for name in ("table_sha256", "development_sha256", "held_out_sha256")
    )
    claim = "the rows are those that were dealt"
    yield _proved(claim) if same else _failed(claim, "the split record names rows with other fingerprints")
    tried = load_tally(layout).of_rows(split.development_sha256).candidates
    if passport.champion is not None:
        claim = f"{passport.champion.candidates_tried} candidates were tried"
        fewer = tried < passport.champion.candidates_tried
        yield _failed(claim, f"the tally now says {tried}: runs were taken out of it") if fewer else _proved(claim)


def _champion(layout: ProjectLayout, passport: Passport) -> Iterator[Proof]:
    champion, training = passport.champion, find_record(layout, TrainingRun)
    if champion is None:
        return
    claim = f"the champion is {champion.name!r} of {champion.run_id}"
    if training is None:
        yield _failed(claim, "there is no training record")
        return
    theirs = training.champion
    pairs = {
        "model file": (champion.model_sha256, theirs.model_sha256),
        "champion.py": (champion.code_sha256, theirs.code_sha256),
        "features.py": (champion.features_sha256, theirs.features_sha256),
    }
    other = [name for name, (mine, recorded) in pairs.items() if mine != recorded]
    yield _failed(claim, f"the training record names another {', '.join(other)}") if other else _proved(claim)
    served = layout.root / champion.model_path
    claim = "the model file that is served is the champion's"
    if not served.is_file():
        yield _not_checked(claim, "the model file is not kept in version control and not here")
    elif file_sha256(served) != champion.model_sha256:
        yield _failed(claim, f"{champion.model_path} is another file")
    else:
        yield _proved(claim)


def _sections(layout: ProjectLayout, passport: Passport) -> Iterator[Proof]:
    """What the passport says in words of its own is what the records say."""
    try:
        problem, split = load_problem(layout), load_record(layout, SplitPlan)
    except MlEngineerError:
        return  # told already
    pairs: dict[str, tuple[Record | None, Record | None]] = {"the rows": (passport.data, data_section(layout, split))}
    if passport.problem.content_sha256 == problem.content_hash():
        pairs["the problem"] = (passport.problem, problem_section(problem, split))
    training = find_record(layout, TrainingRun)
    if passport.champion is not None and training is not None:
        counted = {"candidates_tried": passport.champion.candidates_tried, "runs": passport.champion.runs}
        champion = champion_section(training, load_tally(layout)).model_copy(update=counted)
        pairs["the champion"] = (passport.champion, champion)
        pairs["the environment"] = (passport.environment, training.environment)
    for what, (said, recorded) in pairs.items():
        claim = f"what is said of {what} is what the records say"
        other = _differences(said, recorded)
        yield _failed(claim, f"another {', '.join(other)}") if other else _proved(claim)


def _differences(said: Record | None, recorded: Record | None) -> list[str]:
    """Names of the fields that differ."""
    if said is None or recorded is None:
        return [] if said == recorded else ["section: it is missing on one side"]
    return [name for name in type(recorded).model_fields if getattr(said, name, None) != getattr(recorded, name)]


def _ledger(layout: ProjectLayout, passport: Passport) -> Iterator[Proof]:
    deal_id, claim = passport.problem.deal_id, "the ledger of looks is whole, and its two copies agree"
    if seal.knows_deal(deal_id) or seal.was_dealt_here(deal_id, project_ledger=layout.ledger):
        problems = seal.ledger_problems(deal_id, project_ledger=layout.ledger)
        yield _failed(claim, " ".join(problems)) if problems else _proved(claim)
    else:
        faults = seal.project_ledger_problems(deal_id, project_ledger=layout.ledger)
        yield _failed(claim, " ".join(faults)) if faults else _proved("the project's ledger of looks is whole")
        yield _not_checked(claim, "the vault is on the machine that dealt the rows, and not here")
    chain = seal.ledger_chain(deal_id, project_ledger=layout.ledger)
    head = passport.ledger.head_sha256
    claim = f"the ledger holds the {passport.ledger.entries} entries that the passport saw"
    known = not head or any(entry.entry_sha256 == head for entry in chain)
    yield (
        _proved(claim) if known else _failed(claim, f"it has {len(chain)} entries, and the last one seen is not there")
    )
    looks = seal.count_looks(deal_id, project_ledger=layout.ledger)
    claim = f"{passport.ledger.looks} models were shown the held-out rows"
    yield _failed(claim, f"the ledger says {looks}") if looks < passport.ledger.looks else _proved(claim)
    clock = seal.clock_problems(deal_id, project_ledger=layout.ledger)
    claim = "the ledger's times run forwards"
    yield _failed(claim, " ".join(clock)) if clock else _proved(claim)


def _held_out_scores(layout: ProjectLayout, passport: Passport) -> Iterator[Proof]:
    """What the evaluation reports is what the ledger wrote down when the rows were opened."""
    report = find_record(layout, EvaluationReport)
    if report is None or passport.champion is None or report.model_sha256 != passport.champion.model_sha256:
        return
    claim = "the held-out scores are those in the ledger"
    chain = seal.ledger_chain(passport.problem.deal_id, project_ledger=layout.ledger)
    other = scores_apart(report, chain)
    yield _failed(claim, "; ".join(other)) if other else _proved(claim)
    mark = seal.project_mark(layout.ledger)
    tried = max((entry.candidates for entry in chain if entry.project == mark), default=0)
    counted = load_tally(layout).candidates
    claim = f"at least {tried} candidates were tried, as the ledger says"
    yield _failed(claim, f"the tally counts {counted}") if counted < tried else _proved(claim)


def scores_apart(report: EvaluationReport, chain: tuple[LedgerEntry, ...]) -> tuple[str, ...]:
    """Held-out scores of a report that are not those in the ledger, in words."""
    recorded = _score_of(chain, report.model_sha256)
    if recorded is None:
        return (f"the ledger holds no score of model {report.model_sha256[:12]}…",)
    return tuple(
        f"{result.metric} {result.model.value:.6g} (ledger: {recorded.get(result.metric, float('nan')):.6g})"
        for result in report.metrics
        if recorded.get(result.metric) != result.model.value
    )


def _score_of(chain: tuple[LedgerEntry, ...], model_sha256: str) -> dict[str, float] | None:
    scores = [entry.metrics for entry in chain if entry.event == "score" and entry.model_sha256 == model_sha256]
    return scores[-1] if scores else None


def _numbers(layout: ProjectLayout, passport: Passport) -> Iterator[Proof]:
    """Every number stands where the passport says, and none was left out."""
    documents: dict[str, object] = {}
    wrong = []
    for number in passport.numbers:
        if number.artefact not in documents:
            try:
                documents[number.artefact] = json.loads((layout.root / number.artefact).read_text(encoding="utf-8"))
            except (OSError, ValueError):
                documents[number.artefact] = None
        if number_at(documents[number.artefact], number.place) != number.estimate:
            wrong.append(f"{number.name} {number.estimate} is not at {number.place} of {number.artefact}")
    claim = f"{len(passport.numbers)} reported numbers stand in the records"
    yield _failed(claim, "; ".join(wrong[:5])) if wrong else _proved(claim)
    named = {(number.artefact, number.place) for number in passport.numbers}
    missing = [number.name for number in reported_numbers(layout) if (number.artefact, number.place) not in named]
    claim = "the passport holds every number of the records"
    yield _failed(claim, f"it lacks {', '.join(missing[:5])}") if missing else _proved(claim)


def _gate(layout: ProjectLayout, passport: Passport) -> Iterator[Proof]:
    waivers = find_record(layout, Waivers)
    if passport.gate is not None:
        claim = f"the guardrails said {passport.gate.verdict!r} for stage {passport.gate.stage!r}"
        training = find_record(layout, TrainingRun)
        same = training is not None and gate_section(layout, training) == passport.gate
        yield _proved(claim) if same else _failed(claim, "the guardrail report says something else")
    recorded = () if waivers is None else waivers.waivers
    claim = f"{len(passport.waivers)} findings were overridden, each with a name and a reason"
    silent = [waiver.code for waiver in recorded if len(waiver.reason.strip()) < _SHORTEST_REASON]
    nameless = [waiver.code for waiver in recorded if not waiver.name.strip()]
    if silent or nameless:
        lacking = {"a reason": silent, "a name": nameless}
        yield _failed(
            claim, "; ".join(f"without {what}: {', '.join(codes)}" for what, codes in lacking.items() if codes)
        )
    else:
        same = recorded == passport.waivers
        yield _proved(claim) if same else _failed(claim, f"the record of waivers holds {len(recorded)}, or others")


def _approvals(layout: ProjectLayout, passport: Passport) -> Iterator[Proof]:
    claim = f"{len(passport.approvals)} approvals were given, and the log of them is whole"
    faults = approval_faults(layout)
    if faults:
        yield _failed(claim, "; ".join(faults))
        return
    same = load_approvals(layout) == passport.approvals
    yield _proved(claim) if same else _failed(claim, f"the log holds {len(load_approvals(layout))}, or others")
