"""YAML files of a company, validated by a pydantic model, with the line and key named in every error."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from ingestion.company.errors import CompanyError

Model = TypeVar("Model", bound=BaseModel)
Path_ = Sequence[str | int]


class YamlFile:
    """One parsed YAML file that knows the line of every key."""

    def __init__(self, path: Path) -> None:
        """Parse `path`. Raises CompanyError when it is missing, not UTF-8, not YAML or not a mapping."""
        self.path = path
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            raise CompanyError(f"{path.name}: not found in {path.parent}; `kpi init` writes one") from None
        except (OSError, UnicodeDecodeError) as error:
            raise CompanyError(f"{path.name}: cannot be read ({error.__class__.__name__}); save it as UTF-8") from None
        try:
            self.content: Any = YAML(typ="rt").load(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            raise CompanyError(f"{path.name}:{line}: not valid YAML: {error.problem}") from None
        except YAMLError:
            raise CompanyError(f"{path.name}:1: not valid YAML") from None
        if self.content is None:
            self.content = {}
        if not isinstance(self.content, dict):
            raise CompanyError(f"{path.name}:1: must be a mapping of keys to values")

    def problem(self, where: Path_, message: str) -> str:
        """`file:line: key: message` for the place `where` (keys and list positions from the top)."""
        return f"{self.path.name}:{self._line(where)}: {_key(where)}: {message}"

    def _line(self, where: Path_) -> int:
        node: Any = self.content
        line = 1
        for step in where:
            try:
                places: Any = node.lc
                line = (places.key(step) if isinstance(step, str) else places.item(step))[0] + 1
                node = node[step]
            except (AttributeError, KeyError, IndexError, TypeError):
                break
        return line

    def validate(self, model: type[Model]) -> tuple[Model | None, list[str]]:
        """The model, or None and every problem found."""
        try:
            return model.model_validate(self.content), []
        except ValidationError as error:
            return None, [self._explain(model, dict(e)) for e in error.errors()]

    def _explain(self, model: type[BaseModel], error: dict[str, Any]) -> str:
        where = tuple(error["loc"])
        kind = error["type"]
        if kind == "missing":
            return self.problem(where, "is required")
        if kind == "extra_forbidden":
            known = _fields(model, where[:-1])
            close = difflib.get_close_matches(str(where[-1]), known, 1)
            hint = f"; did you mean `{close[0]}`?" if close else f"; known: {', '.join(known)}"
            return self.problem(where, "unknown key" + hint)
        message = str(error["msg"]).removeprefix("Value error, ")
        return self.problem(where, message[0].lower() + message[1:] if message[:5] == "Input" else message)


def _key(where: Path_) -> str:
    text = ""
    for step in where:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text or "file"


def _fields(model: type[BaseModel], where: Path_) -> list[str]:
    current: type[BaseModel] = model
    for step in where:
        if isinstance(step, int):
            continue
        field = current.model_fields.get(step)
        if field is None:
            return []
        inner = _inner_model(field.annotation)
        if inner is None:
            return []
        current = inner
    return [field.alias or name for name, field in current.model_fields.items()]


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _inner_model(argument)
        if found is not None:
            return found
    return None
