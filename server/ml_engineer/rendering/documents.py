"""Single documents (PROBLEM.md, the evaluation page, champion.py) from ``templates/documents``."""

from __future__ import annotations

from ml_engineer.rendering.environment import template_environment

__all__ = ["render_document"]


def render_document(name: str, **context: object) -> str:
    """Render ``templates/documents/<name>.j2``.

    Parameters
    ----------
    name : str
        Name of the document, e.g. ``PROBLEM.md``; names ending in ``.html`` are escaped throughout.
    **context
        What the template may use; a variable that it names and is not given raises `jinja2.UndefinedError`.

    Returns
    -------
    str
        The text, ending in a line break.
    """
    template = template_environment().get_template(f"documents/{name.removesuffix('.j2')}.j2")
    return template.render(**context)
