"""What every section of the settings is."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict

OR_FILE: Final[dict[str, Any]] = {"or_file": True}
"""Marks a key that may also be given as the path of a file that holds it: `KEY_file`, or the variable with _FILE."""


class Section(BaseModel):
    """Frozen, and refusing what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)
