"""The pages' forms: the editor and the creation of an assistant."""

from apps.assistants.forms.create import CreateForm
from apps.assistants.forms.editor import Editor

__all__ = ["CreateForm", "Editor"]
