"""openstacksdk's key manager, with Keystone: every resource that it knows. Usage: keystone_sdk.py OTHER_USER_ID

The endpoint comes from the catalogue; the variables OS_* say who logs in.
"""

import base64
import sys

import openstack
from openstack import exceptions

OTHER_USER = sys.argv[1]
ALL_BYTES = bytes(range(256)) * 8

keys = openstack.connect(load_yaml_config=False).key_manager


def refused(call, error):
    try:
        call()
    except error:
        return True
    return False


# Secrets.
text = keys.create_secret(name="text", payload="Grüße, 世界", payload_content_type="text/plain")
binary = keys.create_secret(
    name="binary",
    payload=base64.b64encode(ALL_BYTES).decode(),
    payload_content_type="application/octet-stream",
    payload_content_encoding="base64",
)
assert keys.get_secret(text.secret_id).payload == "Grüße, 世界"
assert keys.get_secret(binary.secret_id).payload == ALL_BYTES
assert sorted(secret.name for secret in keys.secrets()) == ["binary", "text"]

# Containers.
members = [{"name": "one", "secret_ref": text.secret_ref}, {"name": "two", "secret_ref": binary.secret_ref}]
container = keys.create_container(name="pair", type="generic", secret_refs=members)
found = keys.get_container(container.container_id)
by_name = {member["name"]: member["secret_ref"] for member in found.secret_refs}
assert by_name == {"one": text.secret_ref, "two": binary.secret_ref}, by_name
assert [found.name for found in keys.containers()] == ["pair"]

# Access lists.
acl = {"users": [OTHER_USER], "project-access": False}
keys.set_secret_acl(text.secret_id, read=acl)
read = keys.get_secret_acl(text.secret_id).read
assert (read["users"], read["project-access"]) == ([OTHER_USER], False), read
keys.update_secret_acl(text.secret_id, read={"project-access": True})
assert keys.get_secret_acl(text.secret_id).read["project-access"] is True
keys.delete_secret_acl(text.secret_id)
assert keys.get_secret_acl(text.secret_id).read == {"project-access": True}
keys.create_container_acl(container.container_id, read=acl)
assert keys.get_container_acl(container.container_id).read["users"] == [OTHER_USER]
keys.delete_container_acl(container.container_id)

# Consumers.
use = {"service": "volume", "resource_type": "volume", "resource_id": "7"}
keys.create_secret_consumer(text.secret_id, **use)
(consumer,) = keys.secret_consumers(text.secret_id)
assert {name: getattr(consumer, name) for name in use} == use
keys.delete_secret_consumer(text.secret_id, **use)
assert list(keys.secret_consumers(text.secret_id)) == []

# Orders.
order = keys.create_order(
    type="key",
    meta={
        "name": "key",
        "algorithm": "aes",
        "bit_length": 256,
        "mode": "cbc",
        "payload_content_type": "application/octet-stream",
    },
)
order = keys.wait_for_status(keys.get_order(order.order_id), "ACTIVE", ["ERROR"], 0.1, 30)
assert len(keys.get_secret(order.secret_id).payload) == 32
assert [found.type for found in keys.orders()] == ["key"]
keys.delete_order(order.order_id, ignore_missing=False)
assert refused(lambda: keys.get_order(order.order_id), exceptions.NotFoundException)

# Quotas; a member may look at its own, and no more.
assert keys.get_quota().secrets == -1
assert refused(lambda: keys.update_project_quota("another", secrets=1), exceptions.ForbiddenException)

keys.delete_container(container.container_id, ignore_missing=False)
for secret in list(keys.secrets()):
    keys.delete_secret(secret.secret_id, ignore_missing=False)
assert list(keys.secrets()) == [] and list(keys.containers()) == []
print("done")
