"""openstacksdk's key manager. Usage: sdk.py ENDPOINT"""

import base64
import sys

import openstack
from openstack import exceptions

ENDPOINT = sys.argv[1]
ALL_BYTES = bytes(range(256)) * 8


def connect(project):
    url = f"{ENDPOINT}/v1"
    cloud = openstack.connect(auth_type="none", endpoint=url, key_manager_endpoint_override=url)
    cloud.session.additional_headers["X-Project-Id"] = project
    return cloud.key_manager


keys = connect("sdk")
text = keys.create_secret(
    name="text", payload="Grüße, 世界", payload_content_type="text/plain", algorithm="aes", bit_length=256
)
binary = keys.create_secret(
    name="binary",
    payload=base64.b64encode(ALL_BYTES).decode(),
    payload_content_type="application/octet-stream",
    payload_content_encoding="base64",
    secret_type="symmetric",
)
empty = keys.create_secret(name="empty")

found = keys.get_secret(text.secret_id)
assert found.payload == "Grüße, 世界", found.payload
assert (found.name, found.status, found.algorithm, found.bit_length) == ("text", "ACTIVE", "aes", 256)
assert keys.get_secret(binary.secret_id).payload == ALL_BYTES
assert keys.get_secret(empty.secret_id).payload is None

assert [secret.name for secret in keys.secrets()] == ["text", "binary", "empty"]
assert [secret.name for secret in keys.secrets(name="binary")] == ["binary"]
assert [secret.name for secret in keys.secrets(algorithm="aes")] == ["text"]
assert list(connect("another").secrets()) == []

assert keys.find_secret(binary.secret_id).name == "binary"

for secret in [text, binary, empty]:
    keys.delete_secret(secret.secret_id, ignore_missing=False)
    try:
        # Reading it would not tell: the SDK takes any answer for a secret.
        keys.delete_secret(secret.secret_id, ignore_missing=False)
        raise AssertionError("a secret was deleted twice")
    except exceptions.NotFoundException:
        pass
assert list(keys.secrets()) == []

# More than a page, which the SDK follows by its links. (With a `limit` it asks for markers, which no Barbican
# has.)
many = [f"secret {number}" for number in range(25)]
for name in many:
    keys.create_secret(name=name)
assert [secret.name for secret in keys.secrets()] == many
print("done")
