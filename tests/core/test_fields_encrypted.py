"""EncryptedTextField on a model that has no table: what would reach the database, and what comes back from it."""

import uuid

import pytest
from django.core import serializers
from django.core.exceptions import FieldError
from django.db import connection, models
from django.db.models.expressions import Col
from django.forms.models import model_to_dict

from apps.core import crypto
from apps.core.fields_encrypted import EncryptedTextField

ADA, DOV = uuid.uuid4(), uuid.uuid4()


class Safe(models.Model):
    organization_id = models.UUIDField(null=True)
    password = EncryptedTextField(blank=True)
    token = EncryptedTextField(null=True, owner="id")

    class Meta:
        app_label = "shelf"
        managed = False


def stored(row, name="password"):
    """The bytes that a save of this row writes."""
    field = Safe._meta.get_field(name)
    value = field.get_db_prep_save(field.pre_save(row, add=True), connection)
    return bytes(value.obj) if value is not None else None


def loaded(blob, organization_id=ADA):
    """The row as it is read from the database with these bytes."""
    fields = {"id": 7, "organization_id": organization_id, "password": blob, "token": None}
    for name in ("password", "token"):
        field = Safe._meta.get_field(name)
        (convert,) = [c for c in Col("x", field).get_db_converters(connection) if c.__name__ == "from_db_value"]
        fields[name] = convert(fields[name], None, connection)
    return Safe.from_db("default", list(fields), list(fields.values()))


def test_text_goes_in_and_comes_out_and_only_ciphertext_is_written():
    blob = stored(Safe(organization_id=ADA, password="hunter-2"))
    assert b"hunter" not in blob
    assert loaded(blob).password == "hunter-2"
    assert loaded(memoryview(blob)).password == "hunter-2"
    assert crypto.decrypt(blob, owner=ADA, field="shelf_safe.password") == "hunter-2"


def test_the_owner_may_be_known_after_the_text():
    row = Safe(password="hunter-2")
    row.organization_id = ADA
    assert row.password == "hunter-2"
    assert loaded(stored(row)).password == "hunter-2"
    assert row.password == "hunter-2", "also after the save"


def test_a_row_copied_to_another_tenant_does_not_open():
    row = loaded(stored(Safe(organization_id=ADA, password="hunter-2")), organization_id=DOV)
    with pytest.raises(crypto.SecretUnreadable):
        _ = row.password


def test_saving_untouched_keeps_the_bytes():
    blob = stored(Safe(organization_id=ADA, password="hunter-2"))
    assert stored(loaded(blob)) == blob


def test_nothing_is_nothing():
    assert stored(Safe(organization_id=ADA)) == b""
    assert stored(Safe(organization_id=ADA, password="")) == b""
    assert loaded(b"").password == ""
    assert stored(Safe(organization_id=ADA), "token") is None
    assert loaded(b"").token is None
    assert Safe().password == ""


def test_another_attribute_may_name_the_owner():
    blob = stored(Safe(id=5, token="t"), "token")
    assert crypto.decrypt(blob, owner=5, field="shelf_safe.token") == "t"


def test_it_is_never_shown():
    row = Safe(id=1, organization_id=ADA, password="hunter-2")
    loaded_row = loaded(stored(row))
    for shown in (repr(row), str(vars(row)), str(vars(loaded_row)), str(model_to_dict(row)),
                  serializers.serialize("json", [row, loaded_row]),
                  Safe._meta.get_field("password").value_to_string(row)):  # fmt: skip
        assert "hunter" not in shown
    assert "password" not in serializers.serialize("json", [row])


def test_writes_that_never_see_the_owner_are_refused():
    field = Safe._meta.get_field("password")
    with pytest.raises(TypeError, match="save the row"):
        field.get_db_prep_save("hunter-2", connection)
    with pytest.raises(TypeError, match="takes text"):
        Safe(password=b"hunter-2")
    with pytest.raises(FieldError):
        Safe.objects.filter(password="hunter-2")
    Safe.objects.filter(token__isnull=True)


def test_a_migration_can_write_it_down():
    name, path, args, kwargs = Safe._meta.get_field("token").deconstruct()
    assert (name, path, args) == ("token", "apps.core.fields_encrypted.EncryptedTextField", [])
    assert kwargs == {"null": True, "owner": "id"}
    assert Safe._meta.get_field("password").deconstruct()[3] == {"blank": True}
