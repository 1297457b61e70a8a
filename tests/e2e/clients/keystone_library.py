"""python-barbicanclient as a library, with Keystone: every resource. Usage: keystone_library.py OTHER_USER_ID

The endpoint comes from the catalogue; the variables OS_* say who logs in.
"""

import os
import sys
import time

from barbicanclient import client, exceptions
from keystoneauth1 import loading, session

OTHER_USER = sys.argv[1]
ALL_BYTES = bytes(range(256)) * 8

auth = loading.get_plugin_loader("password").load_from_options(
    auth_url=os.environ["OS_AUTH_URL"],
    username=os.environ["OS_USERNAME"],
    password=os.environ["OS_PASSWORD"],
    user_domain_id=os.environ["OS_USER_DOMAIN_ID"],
    project_id=os.environ["OS_PROJECT_ID"],
)
barbican = client.Client(session=session.Session(auth=auth), region_name=os.environ["OS_REGION_NAME"])


def gone(read):
    try:
        read()
    except exceptions.HTTPClientError as error:
        return error.status_code == 404
    return False


# Secrets.
text = barbican.secrets.create(name="text", payload="Grüße, 世界")
binary = barbican.secrets.create(name="binary", payload=ALL_BYTES)
for secret in [text, binary]:
    secret.store()
assert barbican.secrets.get(text.secret_ref).payload == "Grüße, 世界"
assert barbican.secrets.get(binary.secret_ref).payload == ALL_BYTES
assert sorted(secret.name for secret in barbican.secrets.list()) == ["binary", "text"]

# Containers, of each kind.
pair = {
    name: barbican.secrets.create(name=name, payload=name.encode()) for name in ["private", "public", "passphrase"]
}
generic = barbican.containers.create(name="generic", secrets={"one": text, "two": binary})
rsa = barbican.containers.create_rsa(
    name="rsa",
    public_key=pair["public"],
    private_key=pair["private"],
    private_key_passphrase=pair["passphrase"],
)
certificate = barbican.containers.create_certificate(
    name="certificate", certificate=text, intermediates=binary, private_key=pair["private"]
)
for container in [generic, rsa, certificate]:
    container.store()
found = barbican.containers.get(generic.container_ref)
assert found.secrets["two"].payload == ALL_BYTES
assert barbican.containers.get(rsa.container_ref).private_key.payload == b"private"
assert barbican.containers.get(certificate.container_ref).certificate.payload == "Grüße, 世界"
assert sorted(found.name for found in barbican.containers.list()) == ["certificate", "generic", "rsa"]

# Consumers, of containers and of secrets.
registered = barbican.containers.register_consumer(generic.container_ref, "nova", "http://nova.example/1")
assert registered.consumers == [{"name": "nova", "URL": "http://nova.example/1"}], registered.consumers
barbican.containers.remove_consumer(generic.container_ref, "nova", "http://nova.example/1")
assert barbican.containers.get(generic.container_ref).consumers == []
use = {"service": "volume", "resource_type": "volume", "resource_id": "7"}
barbican.secrets.register_consumer(text.secret_ref, **use)
(consumer,) = barbican.secrets.list_consumers(text.secret_ref)
assert (consumer.service, consumer.resource_type, consumer.resource_id) == tuple(use.values())
assert len(barbican.secrets.get(text.secret_ref).consumers) == 1
try:
    barbican.secrets.delete(text.secret_ref)
    raise AssertionError("a secret in use was deleted")
except exceptions.SecretHasConsumers:
    pass
barbican.secrets.remove_consumer(text.secret_ref, **use)

# Access lists.
acl = barbican.acls.create(entity_ref=binary.secret_ref, users=[OTHER_USER], project_access=False)
acl.submit()
read = barbican.acls.get(entity_ref=binary.secret_ref).read
assert (read.users, read.project_access) == ([OTHER_USER], False), (read.users, read.project_access)
acl.remove()
read = barbican.acls.get(entity_ref=binary.secret_ref).read
assert (read.users, read.project_access) == ([], True), (read.users, read.project_access)
shared = barbican.acls.create(entity_ref=generic.container_ref, users=[OTHER_USER])
shared.submit()
assert barbican.acls.get(entity_ref=generic.container_ref).read.users == [OTHER_USER]

# Orders, of both kinds.
key = barbican.orders.create_key(name="key", algorithm="aes", bit_length=256, mode="cbc")
keys = barbican.orders.create_asymmetric(name="keys", algorithm="rsa", bit_length=2048)
for order in [key, keys]:
    reference = order.submit()
    for _ in range(300):
        placed = barbican.orders.get(reference)
        if placed.status != "PENDING":
            break
        time.sleep(0.1)
    assert placed.status == "ACTIVE", (placed.status, placed.error_reason)
    if order is key:
        assert len(barbican.secrets.get(placed.secret_ref).payload) == 32
    else:
        made = barbican.containers.get(placed.container_ref)
        assert made.public_key.payload.startswith(b"-----BEGIN PUBLIC KEY-----"), made.public_key.payload
    barbican.orders.delete(reference)
    assert gone(lambda: barbican.orders.get(reference).status)

for container in barbican.containers.list():
    barbican.containers.delete(container.container_ref)
for secret in barbican.secrets.list():
    barbican.secrets.delete(secret.secret_ref)
    assert gone(lambda: barbican.secrets.get(secret.secret_ref).status)
assert barbican.secrets.list() == [] and barbican.containers.list() == []
print("done")
