"""Sentences of templates: `{{ _('…') }}` and `{% trans %}`, in the language that is spoken."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, pass_eval_context
from jinja2.ext import InternationalizationExtension
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape

from ntm_workflow import texts


@pass_eval_context
def _sentence(context: EvalContext, sentence: str, **values: Any) -> str:
    """The sentence, filled in as by `say`. It is ours and may hold tags; the values are escaped."""
    said = texts.translated(sentence, values.get("count"))
    if not values:
        said = said.replace("%%", "%")
        return Markup(said) if context.autoescape else said  # noqa: S704 # nosec B704
    values = {name: texts.filling(name, value) for name, value in values.items()}
    if not context.autoescape:
        return said % values
    safe = {name: escape(value) for name, value in values.items()}
    return Markup(said % safe)  # noqa: S704 # nosec B704


def teach(environment: Environment) -> None:
    """Let the templates of an environment speak; the value `count` chooses one or many."""
    environment.add_extension(InternationalizationExtension)
    environment.policies["ext.i18n.trimmed"] = True
    environment.newstyle_gettext = True  # type: ignore[attr-defined]  # values are keywords
    environment.filters["number"] = texts.number
    environment.globals |= {
        "_": _sentence, "gettext": _sentence, "say": texts.say, "language": texts.language,
    }  # fmt: skip
