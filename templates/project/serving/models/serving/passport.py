"""The champion's passport: what is served was evaluated and let through by the guardrails, and by whom.

``passport.json`` is written by ``ml-engineer``. Read here is only what decides whether to serve: that the file was not
edited, that it is about this very model file, and that no guardrail blocks it. ``ml-engineer verify`` proves the rest.
"""

import hashlib
import json
from pathlib import Path
from typing import Any


class NoPassportError(Exception):
    """The model has no valid passport; the text says why."""


def check_passport(path: Path, model_sha256: str) -> dict[str, Any]:
    """Read the passport and hold it against the model that is about to be served.

    Parameters
    ----------
    path : pathlib.Path
        The passport.
    model_sha256 : str
        Hash of the model file.

    Returns
    -------
    dict
        What may be told of it: verdict, stage, when it was checked, looks, overrides, and who approved the model.

    Raises
    ------
    NoPassportError
        If it is missing, was edited, is about another model, or says that the model must not be used.
    """
    document = _read(path)
    champion, gate = document.get("champion") or {}, document.get("gate")
    if champion.get("model_sha256") != model_sha256:
        raise NoPassportError("passport.json is about another model than the one that is served")
    if not gate:
        raise NoPassportError("the guardrails were not checked for this model: evaluate it and check them")
    if gate.get("verdict") not in {"pass", "warn"}:
        raise NoPassportError(f"the guardrails say '{gate.get('verdict')}' for stage '{gate.get('stage')}'")
    approvals = [one for one in document.get("approvals", []) if one.get("model_sha256") == model_sha256]
    return {
        "verdict": gate["verdict"],
        "stage": gate.get("stage"),
        "checked_at": gate.get("checked_at"),
        "looks": document.get("ledger", {}).get("looks"),
        "overridden": [waiver.get("code") for waiver in document.get("waivers", [])],
        "approved_by": approvals[-1].get("approved_by") if approvals else None,
    }


def _read(path: Path) -> dict[str, Any]:
    """Read the document if its hash fits its content."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NoPassportError("there is no passport.json") from error
    except (OSError, ValueError) as error:
        raise NoPassportError(f"passport.json cannot be read ({type(error).__name__})") from error
    if not isinstance(document, dict) or document.get("passport_sha256") != content_sha256(document):
        raise NoPassportError("passport.json was edited: its hash does not fit its content")
    return document


def content_sha256(document: dict[str, Any]) -> str:
    """Hash of all fields but the hash itself, as ``ml-engineer`` computes it."""
    fields = {key: value for key, value in document.items() if key != "passport_sha256"}
    text = json.dumps(fields, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
