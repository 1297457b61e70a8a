"""castellan's Barbican backend, as the services of a cloud use it, for every class of managed object.

Usage: castellan_backend.py SIGNED_CERTIFICATE (PEM). The variables OS_* say who logs in.
"""

import os
import sys

from castellan import key_manager, options
from castellan.common import exception
from castellan.common.credentials import keystone_password
from castellan.common.objects import (
    opaque_data,
    passphrase,
    private_key,
    public_key,
    symmetric_key,
    x_509,
)
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from oslo_config import cfg

settings = cfg.ConfigOpts()
settings([], project="castellan", default_config_files=[])
options.set_defaults(settings, backend="barbican", auth_endpoint=os.environ["OS_AUTH_URL"])
settings.set_override("barbican_region_name", os.environ["OS_REGION_NAME"], group="barbican")
manager = key_manager.API(settings)
context = keystone_password.KeystonePassword(
    os.environ["OS_PASSWORD"],
    username=os.environ["OS_USERNAME"],
    auth_url=os.environ["OS_AUTH_URL"],
    user_domain_id=os.environ["OS_USER_DOMAIN_ID"],
    project_id=os.environ["OS_PROJECT_ID"],
)

pair = rsa.generate_private_key(public_exponent=65537, key_size=2048)
private = pair.private_bytes(
    serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
public = pair.public_key().public_bytes(
    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
)
with open(sys.argv[1], "rb") as file:
    certificate = x509.load_pem_x509_certificate(file.read()).public_bytes(serialization.Encoding.DER)
ALL_BYTES = bytes(range(256))

objects = [
    symmetric_key.SymmetricKey("AES", 256, ALL_BYTES[:32], name="symmetric"),
    public_key.PublicKey("RSA", 2048, public, name="public"),
    private_key.PrivateKey("RSA", 2048, private, name="private"),
    passphrase.Passphrase("Grüße, 世界", name="passphrase"),
    opaque_data.OpaqueData(ALL_BYTES * 8, name="opaque"),
    x_509.X509(certificate, name="certificate"),
]


def gone(reference):
    try:
        manager.get(context, reference)
    except exception.ManagedObjectNotFoundError:
        return True
    return False


stored = {}
for given in objects:
    reference = manager.store(context, given)
    stored[given.name] = reference
    got = manager.get(context, reference)
    assert type(got) is type(given), (type(got), type(given))
    wanted = given.get_encoded()
    wanted = wanted.encode() if isinstance(wanted, str) else wanted
    encoded = got.get_encoded()
    encoded = encoded.encode() if isinstance(encoded, str) else encoded
    assert encoded == wanted, given.name
    assert got.name == given.name
    if hasattr(given, "algorithm"):
        assert (got.algorithm, got.bit_length) == (given.algorithm, given.bit_length), given.name
    assert manager.get(context, reference, metadata_only=True).name == given.name
    assert [found.name for found in manager.list(context, object_type=type(given))] == [given.name]
assert sorted(found.name for found in manager.list(context)) == sorted(stored)

# Made by the key manager.
made = manager.create_key(context, algorithm="AES", length=256, name="made")
key = manager.get(context, made)
assert isinstance(key, symmetric_key.SymmetricKey) and len(key.get_encoded()) == 32
half, other = manager.create_key_pair(context, algorithm="RSA", length=2048, name="pair")
half, other = manager.get(context, half), manager.get(context, other)
loaded = serialization.load_der_private_key(half.get_encoded(), password=None)
assert other.get_encoded() == loaded.public_key().public_bytes(
    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
)

# Consumers, as the volume and image services register them.
use = {"service": "volume", "resource_type": "volume", "resource_id": "7"}
manager.add_consumer(context, made, use)
manager.add_consumer(context, made, use)
assert len(manager.get(context, made).consumers) == 1
try:
    manager.delete(context, made)
    raise AssertionError("a key in use was deleted")
except exception.KeyManagerError:
    pass
manager.remove_consumer(context, made, use)

for found in manager.list(context):
    manager.delete(context, found.id)
    assert gone(found.id)
assert manager.list(context) == []
print("done")
