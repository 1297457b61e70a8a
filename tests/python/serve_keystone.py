"""The real Keystone on loopback, with all it keeps in one folder, until standard input ends.

Usage: serve_keystone.py FOLDER PORT TOKEN_SECONDS ADMIN_PASSWORD

Port 0 takes a free one. An empty folder is filled first, as `keystone-manage` does it. Prints the port when it
serves. Whoever started it holds its standard input, which ends with them: it is never left behind.
"""

import os
import shutil
import socketserver
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

folder, port, token_seconds, password = sys.argv[1:]
settings = f"{folder}/keystone.conf"
fresh = not os.path.exists(f"{folder}/keystone.sqlite")
with open(settings, "w") as file:
    file.write(
        f"""
[DEFAULT]
use_stderr = true
default_log_levels = keystone=ERROR,oslo_policy=ERROR
[database]
connection = sqlite:///{folder}/keystone.sqlite
[cache]
enabled = true
backend = dogpile.cache.memory
[token]
expiration = {token_seconds}
caching = false
[revoke]
caching = false
[fernet_tokens]
key_repository = {folder}/fernet-keys
[credential]
key_repository = {folder}/credential-keys
[identity]
password_hash_rounds = 4
"""
    )
os.environ["OS_KEYSTONE_CONFIG_DIR"] = folder

from keystone.cmd import manage  # noqa: E402: it takes seconds, and is then there for each command


def keystone_manage(*command):
    """Runs a command as a process of its own: each leaves its settings behind."""
    child = os.fork()
    if child == 0:
        sys.argv = ["keystone-manage", "--config-file", settings, *command]
        try:
            manage.main()
        except BaseException as error:
            print(f"keystone-manage {command[0]}: {error!r}", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        sys.exit(f"keystone-manage {command[0]} failed")


if fresh:
    os.mkdir(f"{folder}/fernet-keys", 0o700)
    owner = ["--keystone-user", str(os.getuid()), "--keystone-group", str(os.getgid())]
    keystone_manage("db_sync")
    keystone_manage("fernet_setup", *owner)
    keystone_manage("bootstrap", "--bootstrap-password", password)

sys.argv = ["keystone"]
from keystone.wsgi.api import application  # noqa: E402


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self):
        # Without the look-up of this machine's name, which may take long.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address
        self.setup_environ()


class Handler(WSGIRequestHandler):
    def log_message(self, *_):
        pass


server = Server(("127.0.0.1", int(port)), Handler)
one_at_a_time = threading.Lock()


def serve(environ, start_response):
    """SQLite takes one writer at a time, and refuses another that has waited for long."""
    with one_at_a_time:
        return list(application(environ, start_response))


server.set_app(serve)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
# Whoever started it is gone, and cleans up no more.
shutil.rmtree(folder, ignore_errors=True)
