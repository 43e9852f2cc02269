"""EncryptedTextField: text that lies in the database only as ciphertext (libraries 7: secrets at rest)."""

from typing import Any

from django.db import models
from django.db.models.query_utils import DeferredAttribute

from apps.core import crypto


class _Held:
    """What an instance holds in place of the text: ciphertext, or text not yet saved. Says nothing when printed."""

    __slots__ = ("plain", "sealed")

    def __init__(self, *, sealed: bytes | None = None, plain: str | None = None) -> None:
        self.sealed, self.plain = sealed, plain

    def __repr__(self) -> str:
        return "<secret>"


class _Attribute(DeferredAttribute):
    """Reads decrypt, writes wait for the save, because only then is the owner sure to be known."""

    def __get__(self, instance: models.Model | None, cls: type | None = None) -> Any:
        if instance is None:
            return self
        held = super().__get__(instance, cls)
        if not isinstance(held, _Held):
            return held
        return self.field.opened(instance, held) if held.plain is None else held.plain  # type: ignore[attr-defined]

    def __set__(self, instance: models.Model, value: Any) -> None:
        if isinstance(value, bytes | memoryview):
            if value:
                raise TypeError(f"{self.field.name} takes text, not bytes")
            value = ""
        instance.__dict__[self.field.attname] = _Held(plain=value) if isinstance(value, str) and value else value


class EncryptedTextField(models.BinaryField):
    """Text sealed for the row's owner. None is NULL, "" is empty bytes; neither is a secret.

    Args:
        owner: attribute of the row that names the owner; its value None means the installation. A row that changes
            its owner is read before and assigned again after the change.

    The field takes no part in forms, serializers and dumps, cannot be filtered on except for null, and refuses
    `update()` and `bulk_update()`, which never see the row's owner.
    """

    # What type checkers see on an instance.
    _pyi_private_set_type: str  # type: ignore[assignment]
    _pyi_private_get_type: str  # type: ignore[assignment]

    descriptor_class = _Attribute

    def __init__(self, *args: Any, owner: str = "organization_id", **kwargs: Any) -> None:
        self.owner = owner
        kwargs["serialize"] = False
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("serialize", None)
        if self.owner != "organization_id":
            kwargs["owner"] = self.owner
        return name, path, args, kwargs

    @property
    def label(self) -> str:
        return f"{self.model._meta.db_table}.{self.column}"

    def opened(self, instance: models.Model, held: _Held) -> str:
        assert held.sealed is not None
        return crypto.decrypt(held.sealed, owner=getattr(instance, self.owner), field=self.label)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return _Held(sealed=bytes(value)) if value else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        held = model_instance.__dict__.get(self.attname)
        if isinstance(held, _Held) and held.plain is not None:
            owner = getattr(model_instance, self.owner)
            held = _Held(sealed=crypto.encrypt(held.plain, owner=owner, field=self.label))
            model_instance.__dict__[self.attname] = held
        return held

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if isinstance(value, _Held):
            if value.sealed is None:
                raise TypeError(f"{self.name}: save the row, so that its owner is known")
            value = value.sealed
        elif value:
            raise TypeError(f"{self.name} is encrypted: assign it on the row and save the row")
        return super().get_db_prep_value(b"" if value == "" else value, connection, prepared)

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None

    def get_transform(self, lookup_name: str) -> Any:
        return None

    def value_to_string(self, obj: models.Model) -> str:
        return ""
