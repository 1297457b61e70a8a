"""Takes posts over TLS and checks their signatures. Prints its port, then each body, without a line end of its own.

Arguments: port (0 for any), certificate, key, file with the secret that signs.
"""

import hashlib
import hmac
import http.server
import ssl
import sys
import time

port, certificate, key, secret = sys.argv[1:]
secret = open(secret, "rb").read().strip()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        at = self.headers["X-Strongroom-Timestamp"]
        expected = "sha256=" + hmac.new(secret, at.encode() + b"." + body, hashlib.sha256).hexdigest()
        sound = hmac.compare_digest(expected, self.headers["X-Strongroom-Signature"])
        if sound and abs(time.time() - int(at)) < 300:
            print(body.decode().removesuffix("\n"), flush=True)
            self.send_response(204)
        else:
            self.send_response(403)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", int(port)), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
