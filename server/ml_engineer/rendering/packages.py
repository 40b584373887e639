"""What the generated project asks to be installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ml_engineer.vocabulary.requests import FeatureFolder

__all__ = ["ALL_PACKAGES", "dependency_groups", "requirements"]

# Oldest version that the generated code was written for; used where a package is not installed here.
_OLDEST = {
    "anthropic": "2.12.0",
    "catboost": "1.2.8",
    "cloudpickle": "3.0.0",
    "fastapi": "0.120.0",
    "httpx2": "2.16.0",
    "ipykernel": "7.0.0",
    "lightgbm": "4.6.0",
    "matplotlib": "3.10.0",
    "mlflow": "3.17.0",
    "model2vec": "0.10.0",
    "mypy": "1.18.0",
    "nbclient": "0.10.0",
    "numpy": "2.2.0",
    "pandas": "3.0.0",
    "pandera": "0.35.0",
    "pyarrow": "21.0.0",
    "pytest": "9.0.0",
    "pyyaml": "6.0.0",
    "ruff": "0.14.0",
    "scikit-learn": "1.8.0",
    "scipy": "1.16.0",
    "skops": "0.14.0",
    "statsmodels": "0.15.0",
    "tabicl": "2.2.0",
    "threadpoolctl": "3.5.0",
    "uvicorn": "0.40.0",
    "xgboost-cpu": "3.1.0",
}
ALL_PACKAGES = tuple(_OLDEST)
"""Every package that a generated project may ask for."""

# A model file is read, and its score reproduced, by the versions that made it.
_NARROW = frozenset(
    {"catboost", "lightgbm", "model2vec", "scikit-learn", "skops", "statsmodels", "tabicl", "xgboost-cpu"}
)
_COMPUTES = ("catboost", "cloudpickle", "lightgbm", "numpy", "pandas", "pyarrow", "scikit-learn", "skops")
_COMPUTES_SERIES = (
    "lightgbm",
    "numpy",
    "pandas",
    "pyarrow",
    "pyyaml",
    "scikit-learn",
    "scipy",
    "statsmodels",
    "threadpoolctl",
)
_GROUPS: dict[FeatureFolder, tuple[str, ...]] = {
    "serving": ("fastapi", "uvicorn"),
    "monitoring": ("pandera",),
    "llm": ("anthropic",),
    "notebook": ("ipykernel", "matplotlib", "nbclient"),
}


def requirements(
    versions: Mapping[str, str], *, forecasting: bool = False, text_model: bool = False, foundation_model: bool = False
) -> list[str]:
    """What training and serving compute with; a project with a text or foundation model needs the package that loads it."""
    if forecasting:
        return [_requirement(package, versions) for package in _COMPUTES_SERIES]
    # The usual build of XGBoost brings half a gigabyte for graphics cards, but on macOS there is no other.
    small = _requirement("xgboost-cpu", versions)
    xgboost = [f"{small.replace('-cpu', '')} ; sys_platform == 'darwin'", f"{small} ; sys_platform != 'darwin'"]
    text = [_requirement("model2vec", versions)] if text_model else []
    foundation = [_requirement("tabicl", versions)] if foundation_model else []
    return [*(_requirement(package, versions) for package in _COMPUTES), *xgboost, *text, *foundation]


def dependency_groups(features: Iterable[FeatureFolder], versions: Mapping[str, str]) -> dict[str, list[str]]:
    """Dependency groups by name: tools to develop with, tracking, and one a feature folder that needs packages."""
    chosen = set(features)
    tools = ["mypy", "pandera", "pytest", "ruff"]  # pandera: the service does without, its import costs half a second
    if chosen & {"serving", "llm"}:
        tools.append("httpx2")  # the tests' client, and the language model's fake
    groups = {"dev": tools, "tracking": ["mlflow"]}
    groups |= {folder: list(packages) for folder, packages in _GROUPS.items() if folder in chosen}
    return {name: [_requirement(package, versions) for package in sorted(names)] for name, names in groups.items()}


def _requirement(package: str, versions: Mapping[str, str]) -> str:
    version = versions.get(package, _OLDEST[package])
    numbers = version.split(".")
    major, minor = int(numbers[0]), int(numbers[1])
    if package not in versions:
        return f"{package}>={version},<{major + 1}" if major else f"{package}>={version},<1"
    if package in _NARROW:
        return f"{package}>={version},<{major}.{minor + 1}"
    return f"{package}>={major}.{minor},<{major + 1}"
