"""When explanations are asked of Claude, with what, and which columns may leave this machine."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from data.features.contract import COLUMNS

ROOT = Path(__file__).resolve().parents[2]
PROMPT_VERSION = "explain_v1"

# Sensitive columns are never sent. Take out whatever else must not leave this machine.
COLUMNS_TO_SEND = tuple(column.name for column in COLUMNS if not column.sensitive)


@dataclass(frozen=True)
class Settings:
    """What may differ between two places that explain the same model's predictions."""

    enabled: bool = False
    model: str = "claude-haiku-5-5"
    timeout_seconds: float = 30.0
    max_retries: int = 2
    max_output_tokens: int = 800
    columns: tuple[str, ...] = COLUMNS_TO_SEND
    usage_file: Path = field(default=ROOT / "experiments" / "llm_usage.jsonl")
    prompt_file: Path = field(default=Path(__file__).parent / "prompts" / f"{PROMPT_VERSION}.md")

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the settings that the environment gives; the API key is read by the SDK itself."""
        return cls(
            enabled=os.environ.get("EXPLANATIONS") == "on",
            model=os.environ.get("EXPLANATIONS_MODEL", cls.model),
        )
