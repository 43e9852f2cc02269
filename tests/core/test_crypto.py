"""Secrets at rest: what opens, what must not, and how keys change."""

import base64
import uuid

import pytest
from django.core.exceptions import ImproperlyConfigured

from apps.core import crypto

OLD = "old:" + base64.b64encode(b"o" * 32).decode()
NEW = "new:" + base64.b64encode(b"n" * 32).decode()
ADA, DOV = uuid.uuid4(), uuid.uuid4()


@pytest.fixture(autouse=True)
def _keys(settings):
    settings.MASTER_KEYS = OLD


def sealed(plain="s3cret", owner=ADA, field="t.c"):
    return crypto.encrypt(plain, owner=owner, field=field)


def test_what_was_sealed_opens():
    for plain in ("s3cret", "", "sleutel-é 😀", "x" * 100_000):
        assert crypto.decrypt(sealed(plain), owner=ADA, field="t.c") == plain
    assert crypto.decrypt_bytes(sealed(b"\x00\xff"), owner=str(ADA), field="t.c") == b"\x00\xff"
    assert crypto.decrypt(sealed(owner=None), owner=None, field="t.c") == "s3cret"


def test_the_text_is_not_in_it_and_no_two_are_equal():
    first, second = sealed(), sealed()
    assert first != second
    assert b"s3cret" not in first


@pytest.mark.parametrize(("owner", "field"), [(DOV, "t.c"), (ADA, "t.d"), (ADA, "u.c"), (None, "t.c")])
def test_a_copy_elsewhere_does_not_open(owner, field):
    with pytest.raises(crypto.SecretUnreadable, match="does not belong here"):
        crypto.decrypt(sealed(), owner=owner, field=field)


def test_no_changed_byte_goes_unseen():
    whole = sealed()
    for at in range(len(whole)):
        changed = whole[:at] + bytes((whole[at] ^ 1,)) + whole[at + 1 :]
        with pytest.raises(crypto.SecretUnreadable):
            crypto.decrypt(changed, owner=ADA, field="t.c")
        with pytest.raises(crypto.SecretUnreadable):
            crypto.decrypt(whole[:at], owner=ADA, field="t.c")


def test_several_keys_are_valid_and_the_first_one_seals(settings):
    before = sealed()
    settings.MASTER_KEYS = f"{NEW}, {OLD}"
    assert crypto.decrypt(before, owner=ADA, field="t.c") == "s3cret"
    after = crypto.rotate(before, owner=ADA, field="t.c")
    assert after is not None
    assert crypto.rotate(after, owner=ADA, field="t.c") is None
    settings.MASTER_KEYS = NEW
    assert crypto.decrypt(after, owner=ADA, field="t.c") == "s3cret"
    with pytest.raises(crypto.SecretUnreadable, match="'old' is not configured"):
        crypto.decrypt(before, owner=ADA, field="t.c")


def test_the_same_id_with_another_key_does_not_open(settings):
    before = sealed()
    settings.MASTER_KEYS = NEW.replace("new", "old")
    with pytest.raises(crypto.SecretUnreadable):
        crypto.decrypt(before, owner=ADA, field="t.c")


@pytest.mark.parametrize("text", ["", "a", "a:", "a:!!!", "a:AAAA", ":" + OLD[4:]])
def test_keys_that_are_no_keys_are_named(settings, text):
    settings.MASTER_KEYS = text
    with pytest.raises(ImproperlyConfigured, match="MASTER_KEYS"):
        crypto.master_keys()
