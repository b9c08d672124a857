"""Names of models → models; the only place that knows which there are."""

from docmill.errors import PrerequisiteError
from docmill.models.base import Model
from docmill.models.rules import RulesModel


def open_model(name: str) -> Model:
    """The model of an agent spec.

    Raises:
        PrerequisiteError: nothing here answers to that name.
    """
    if name == "rules":
        return RulesModel()
    raise PrerequisiteError(
        f"Nothing here answers to the model `{name}`; this version has the embedded model `rules`.",
        remedy="Set `model: rules` in the agent spec.",
    )
