"""Put a prediction into plain words: by Claude where that is switched on and works, else by a template.

    python models/llm/explain.py --row 0                       # the template: nothing leaves this machine
    EXPLANATIONS=on python models/llm/explain.py --row 0       # Claude; needs an API key in the environment

What Claude answers is checked before it is shown: its form, and that it names no input it was not given.
"""

import argparse
import hashlib
import json
import logging
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from data.features.contract import PROBLEM
from models.llm.influences import Explainable, look_into
from models.llm.settings import PROMPT_VERSION, ROOT, Settings
from models.serving.champion_file import UnusableChampionError, load_champion, pickle_allowed
from models.training.development import DEVELOPMENT

if TYPE_CHECKING:
    from anthropic import Anthropic

LOGGER = logging.getLogger(__name__)
LONGEST_VALUE = 200
CAUTION = "This describes how the model works on this case, not what causes the outcome."


class Reason(BaseModel):
    """One input and what about it moves the prediction."""

    model_config = ConfigDict(extra="forbid")

    column: str = Field(description="Name of the column, exactly as given.")
    text: str = Field(min_length=1, max_length=400, description="One sentence.")


class Explanation(BaseModel):
    """A prediction in plain words."""

    model_config = ConfigDict(extra="forbid")

    summary: str = Field(min_length=1, max_length=600, description="What is predicted and how sure the model is.")
    reasons: list[Reason] = Field(max_length=4, description="Inputs with the largest effects.")
    caution: str = Field(min_length=1, max_length=400, description="What this does not show.")


@dataclass(frozen=True)
class Explained:
    """An explanation and where it comes from."""

    explanation: Explanation
    source: str  # the model's name, or "template"
    fallback_reason: str = ""  # why it is the template's although Claude was asked


class NoAnswerError(Exception):
    """Claude gave nothing usable; the text says why."""


def explain(case: Explainable, settings: Settings, client: "Anthropic | None" = None) -> Explained:
    """Explain one prediction; whatever goes wrong with Claude, the template answers.

    Parameters
    ----------
    case : Explainable
        The prediction and what it rests on.
    settings : Settings
        Whether Claude is asked, and what it may be told.
    client : anthropic.Anthropic, optional
        By default one is made from the credentials in the environment.
    """
    allowed = [one for one in case.influences if one.column in settings.columns]
    case = Explainable(case.predicted, case.probability, allowed)
    if not settings.enabled:
        return Explained(by_template(case), "template")
    try:
        return Explained(_ask(case, settings, client), settings.model)
    except NoAnswerError as reason:
        return Explained(by_template(case), "template", str(reason))


def by_template(case: Explainable) -> Explanation:
    """Say the same in fixed words."""
    sure = f" with probability {case.probability:.0%}" if case.probability is not None else ""
    return Explanation(
        summary=f"The model predicts {PROBLEM.target[:100]} = {shown(case.predicted)}{sure}.",
        reasons=[
            Reason(
                column=one.column,
                text=f"It is {shown(one.value)} (typical: {shown(one.typical)}), which "
                f"{'raises' if one.effect > 0 else 'lowers'} the prediction by {shown(abs(one.effect))}.",
            )
            for one in case.influences[:4]
        ],
        caution=CAUTION,
    )


def shown(value: object) -> str:
    """Write a value for people."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    text = str(value)
    return text if len(text) <= 80 else text[:79] + "…"


def as_message(case: Explainable) -> str:
    """Write the case as JSON in which nothing can end the data's tag."""
    data = {
        "predicting": PROBLEM.target,
        "predicted": case.predicted,
        "probability": case.probability,
        "inputs": [
            {name: value if isinstance(value, float) else str(value)[:LONGEST_VALUE] for name, value in one.items()}
            for one in (asdict(influence) for influence in case.influences)
        ],
    }
    return f"<data>{json.dumps(data).replace('<', chr(92) + 'u003c')}</data>"


def _ask(case: Explainable, settings: Settings, client: "Anthropic | None") -> Explanation:
    """Ask Claude and check what it says.

    Raises
    ------
    NoAnswerError
        If it cannot be reached, refuses, stops early, or says something that does not fit the case.
    """
    try:
        import anthropic
    except ImportError as error:
        raise NoAnswerError("the anthropic package is not installed") from error

    prompt = settings.prompt_file.read_text(encoding="utf-8")
    usage = Usage(settings.usage_file, settings.model, hashlib.sha256(prompt.encode()).hexdigest())
    try:
        asked = client or anthropic.Anthropic(timeout=settings.timeout_seconds, max_retries=settings.max_retries)
        answer = asked.messages.create(
            model=settings.model,
            max_tokens=settings.max_output_tokens,
            system=prompt,
            messages=[{"role": "user", "content": as_message(case)}],
            output_config={"format": {"type": "json_schema", "schema": anthropic.transform_schema(Explanation)}},
        )
    except (anthropic.AnthropicError, TypeError) as error:
        # Without credentials the SDK raises TypeError.
        usage.record(outcome=type(error).__name__)
        raise NoAnswerError(f"Claude could not be asked ({type(error).__name__})") from error
    try:
        explanation = _checked(answer, case)
    except NoAnswerError as reason:
        usage.record(answer, outcome=str(reason))
        raise
    usage.record(answer, outcome="answered")
    return explanation


def _checked(answer: Any, case: Explainable) -> Explanation:
    """Read the answer; only what is whole, in form, and about the inputs that were given is taken."""
    if answer.stop_reason != "end_turn":
        raise NoAnswerError(f"Claude stopped early ({answer.stop_reason})")
    text = "".join(block.text for block in answer.content if block.type == "text")
    try:
        explanation = Explanation.model_validate_json(text)
    except ValidationError as error:
        raise NoAnswerError(f"Claude's answer has not the form asked for ({error.error_count()} faults)") from error
    known = {one.column for one in case.influences}
    if any(reason.column not in known for reason in explanation.reasons):
        raise NoAnswerError("Claude named an input that it was not given")
    return explanation


class Usage:
    """One line a call: tokens, time and outcome, never what was sent.

    Parameters
    ----------
    path : pathlib.Path
        File of JSON lines; made if it is not there.
    model : str
        Model that was asked.
    prompt_sha256 : str
        Hash of the prompt file.
    """

    def __init__(self, path: Path, model: str, prompt_sha256: str) -> None:
        self._path = path
        self._about = {"model": model, "prompt": PROMPT_VERSION, "prompt_sha256": prompt_sha256}
        self._started = time.perf_counter()

    def record(self, answer: Any = None, *, outcome: str) -> None:
        """Append what a call cost and how it ended."""
        line = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            **self._about,
            "outcome": outcome,
            "stop_reason": getattr(answer, "stop_reason", None),
            "input_tokens": answer.usage.input_tokens if answer is not None else 0,
            "output_tokens": answer.usage.output_tokens if answer is not None else 0,
            "request_id": getattr(answer, "_request_id", None),
            "milliseconds": round((time.perf_counter() - self._started) * 1000),
        }
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line) + "\n")
        except OSError:
            LOGGER.exception("the cost of a call could not be recorded: %s", line)


def main(arguments: list[str] | None = None) -> int:
    """Run the script; 0 if there was something to explain, 2 if not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--row", type=int, default=0, help="place of a row among the development rows, from 0")
    options = parser.parse_args(arguments)
    try:
        champion = load_champion(ROOT / "models" / "serving" / "champion", allow_pickle=pickle_allowed())
        rows = pd.read_parquet(DEVELOPMENT)
        row = rows.iloc[[options.row]]
    except (UnusableChampionError, OSError, IndexError) as error:
        print(f"Nothing to explain: {error}", file=sys.stderr)
        return 2
    explained = explain(look_into(champion, row), Settings.from_environment())
    print(explained.explanation.summary)
    for reason in explained.explanation.reasons:
        print(f"- {reason.column!r}: {reason.text}")
    print(explained.explanation.caution)
    told = f"; {explained.fallback_reason}" if explained.fallback_reason else ""
    print(f"(by {explained.source}{told})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
