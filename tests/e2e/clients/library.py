"""python-barbicanclient as a library. Usage: library.py ENDPOINT"""

import sys

from barbicanclient import client, exceptions
from keystoneauth1 import noauth, session

ENDPOINT = sys.argv[1]
ALL_BYTES = bytes(range(256)) * 8

keys = session.Session(auth=noauth.NoAuth())


def connect(project, **more):
    return client.Client(session=keys, endpoint=ENDPOINT, project_id=project, **more)


def gone(reference):
    try:
        secrets.get(reference).status
    except exceptions.HTTPClientError as error:
        return error.status_code == 404
    return False


barbican = connect("library")
secrets = barbican.secrets

# Text and bytes, in one step.
text = secrets.create(
    name="text",
    payload="Grüße, 世界",
    algorithm="aes",
    mode="cbc",
    bit_length=256,
    secret_type="passphrase",
    expiration="2999-12-31T23:59:59",
)
text.store()
found = secrets.get(text.secret_ref)
assert found.payload == "Grüße, 世界", found.payload
assert found.payload_content_type == "text/plain"
assert (found.name, found.algorithm, found.mode, found.bit_length) == ("text", "aes", "cbc", 256)
assert (found.secret_type, found.status) == ("passphrase", "ACTIVE")
assert found.expiration.isoformat() == "2999-12-31T23:59:59+00:00", found.expiration
assert found.consumers == [], found.consumers

binary = secrets.create(name="binary", payload=ALL_BYTES)
binary.store()
assert secrets.get(binary.secret_ref).payload == ALL_BYTES

# In two steps.
for name, payload in [("later text", "afterwards"), ("later bytes", ALL_BYTES)]:
    later = secrets.create(name=name)
    later.store()
    assert secrets.get(later.secret_ref).content_types is None
    later.payload = payload
    later.update()
    assert secrets.get(later.secret_ref).payload == payload
try:
    secrets.update(later.secret_ref, "again")
    raise AssertionError("a payload was replaced")
except exceptions.HTTPClientError as error:
    assert error.status_code == 409, error

# Lists.
names = lambda **filters: [secret.name for secret in secrets.list(**filters)]
assert names() == ["text", "binary", "later text", "later bytes"], names()
assert names(name="binary") == ["binary"]
assert names(algorithm="aes", mode="cbc", bits=256) == ["text"]
assert names(secret_type="passphrase") == ["text"]
assert names(limit=2, offset=1) == ["binary", "later text"]
assert names(sort="name:desc") == ["text", "later text", "later bytes", "binary"]
assert names(expiration="gt:2999-01-01") == ["text"]
assert names(created="lt:2000-01-01") == []
assert connect("another").secrets.list() == []

# User metadata.
secrets.set_secret_metadata(text.secret_ref, {"owner": "ops", "place": "rack 7"})
assert secrets.get_secret_metadata(text.secret_ref) == {"metadata": {"owner": "ops", "place": "rack 7"}}
assert secrets.get_secret_metadata(text.secret_ref, "owner") == {"key": "owner", "value": "ops"}
secrets.delete_secret_metadata(text.secret_ref, "owner")
assert secrets.get_secret_metadata(text.secret_ref) == {"metadata": {"place": "rack 7"}}

# Every microversion that the library knows.
for microversion in ["1.0", "1.1", "1.2"]:
    versioned = connect("library", microversion=microversion).secrets
    assert versioned.get(binary.secret_ref).payload == ALL_BYTES

# Refusals are told apart.
try:
    secrets.create(payload="x", expiration="2000-01-01").store()
    raise AssertionError("an expired secret was stored")
except exceptions.HTTPClientError as error:
    assert error.status_code == 400 and "expiration" in str(error), error

for secret in secrets.list():
    secrets.delete(secret.secret_ref)
    assert gone(secret.secret_ref)
assert secrets.list() == []
print("done")
