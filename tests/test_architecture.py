"""Imports and foreign keys point left; no inline imports, no signals between our apps; the tenant's scope stays where it belongs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
ORDER = settings.OUR_APPS
FILES = sorted(path for path in (ROOT / "apps").rglob("*.py") if "migrations" not in path.parts)
FACES = ("views.py", "api.py", "forms.py", "context.py")


def app_of(path: Path) -> str:
    return path.relative_to(ROOT / "apps").parts[0]


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(module: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((f"{node.module}.{name.name}", node.lineno) for name in node.names)
        elif isinstance(node, ast.Import):
            yield from ((name.name, node.lineno) for name in node.names)


def is_face(path: Path) -> bool:
    return path.name in FACES or {"views", "api", "forms"} & set(path.parts[-2:-1])


def test_the_order_names_every_app() -> None:
    found = {path.name for path in (ROOT / "apps").iterdir() if (path / "__init__.py").exists()}
    assert found == set(ORDER)


def test_an_app_imports_only_apps_to_its_left() -> None:
    wrong = []
    for path in FILES:
        if path.parent == ROOT / "apps":
            continue
        own = ORDER.index(app_of(path))
        for name, line in imported(tree(path)):
            parts = name.split(".")
            if parts[0] == "apps" and len(parts) > 1 and ORDER.index(parts[1]) > own:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
            if parts[0] in ("engines", "tests") or (parts[0] == "config" and parts[:2] != ["config", "celery"]):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    assert wrong == []


def test_engines_import_nothing_of_ours() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in (ROOT / "engines").rglob("*.py")
        for name, line in imported(tree(path))
        if name.split(".")[0] in ("apps", "config", "django")
    ]
    assert wrong == []


def test_no_import_inside_a_function() -> None:
    wrong = []
    for path in FILES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                inner = [each for each in ast.walk(node) if isinstance(each, ast.Import | ast.ImportFrom)]
                wrong += [f"{path.relative_to(ROOT)}:{each.lineno}" for each in inner]
    assert wrong == []


def test_no_roundabout_way_to_another_app() -> None:
    """No `get_model`, content types, imports by string or signals of our own."""
    banned = re.compile(
        r"\bget_model\(|ContentType\b|import_module|import_string|__import__|\bSignal\(|post_save|pre_save\.|post_delete"
    )
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if banned.search(line)
    ]
    assert wrong == []


def test_foreign_keys_point_left_and_leave_no_way_back() -> None:
    wrong = []
    for model in apps.get_models():
        if not model.__module__.startswith("apps."):
            continue
        own = ORDER.index(model._meta.app_label)
        for field in model._meta.local_fields:
            target = field.remote_field.model if field.remote_field else None
            if (
                target is None
                or not target.__module__.startswith("apps.")
                or target._meta.app_label == model._meta.app_label
            ):
                continue
            if ORDER.index(target._meta.app_label) > own:
                wrong.append(f"{field} points right")
            if field.remote_field.related_name != "+" and not (
                target._meta.label == "accounts.User" and own < ORDER.index("organizations")
            ):
                wrong.append(f"{field} needs related_name='+'")
    assert wrong == []


@pytest.mark.parametrize("word", ['overview("', 'operator("', "Scope("])
def test_faces_never_widen_the_scope(word: str) -> None:
    allowed = {"apps/organizations/middleware.py"}
    wrong = [
        str(path.relative_to(ROOT))
        for path in FILES
        if is_face(path) and word in path.read_text(encoding="utf-8") and str(path.relative_to(ROOT)) not in allowed
    ]
    assert wrong == []


def tenant_models() -> set[str]:
    return {
        model.__name__
        for model in apps.get_models()
        if model.__module__.startswith("apps.")
        and any(field.name == "organization" for field in model._meta.local_fields)
    }


def test_faces_start_every_query_from_the_organization() -> None:
    """In views, api and forms the only thing after a tenant model's `.objects` is `.for_organization(`."""
    names = "|".join(sorted(tenant_models()))
    pattern = re.compile(rf"\b(?:{names})\.objects\b(?!\s*\.(?:for_organization|none)\()")
    wrong = []
    for path in FILES:
        if is_face(path):
            text = path.read_text(encoding="utf-8")
            wrong += [
                f"{path.relative_to(ROOT)}:{text[: hit.start()].count(chr(10)) + 1}" for hit in pattern.finditer(text)
            ]
    assert wrong == []


def test_raw_sql_lives_in_sql_files_only() -> None:
    allowed = re.compile(r"apps/core/(postgres/|db\.py|checks\.py)|/sql\.py$|apps/organizations/(middleware|key_use)\.py$")
    pattern = re.compile(r"\.raw\(|\.execute\(|RunSQL|RawSQL|\.extra\(")
    wrong = [
        str(path.relative_to(ROOT))
        for path in FILES
        if pattern.search(path.read_text(encoding="utf-8")) and not allowed.search(str(path.relative_to(ROOT)))
    ]
    assert wrong == []


def test_time_comes_from_the_database() -> None:
    """`timezone.now()` and the process's own clock stay out of services, models and tasks."""
    pattern = re.compile(r"timezone\.now\(\)|datetime\.now\(|utcnow\(")
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in FILES
        if "templatetags" not in path.parts  # "5 minutes ago" is drawn from the clock of the moment
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert wrong == []


def test_files_stay_short() -> None:
    long = {str(path.relative_to(ROOT)) for path in FILES if len(path.read_text(encoding="utf-8").splitlines()) > 400}
    assert long == set()


def test_templates_hold_no_inline_script_style_or_handler() -> None:
    pattern = re.compile(
        r"""\sstyle=["']|\son[a-z]+=["']|\shx-on[:\-]|<script(?![^>]*\b(?:src|type=["']application/json))[^>]*>|javascript:"""
    )
    wrong = []
    for path in (ROOT / "templates").rglob("*.html"):
        if "emails" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        wrong += [
            f"{path.relative_to(ROOT)}:{text[: hit.start()].count(chr(10)) + 1}" for hit in pattern.finditer(text)
        ]
    assert wrong == []


def test_links_keep_href_beside_htmx() -> None:
    pattern = re.compile(r"<a\b(?![^>]*\bhref=)[^>]*\bhx-get=", re.S)
    wrong = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "templates").rglob("*.html")
        if pattern.search(path.read_text(encoding="utf-8"))
    ]
    assert wrong == []
