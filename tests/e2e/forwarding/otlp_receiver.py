"""Takes OpenTelemetry logs over HTTP; prints its port, then each record's body on a line."""

import http.server

from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as service


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        assert self.path == "/v1/logs" and self.headers["Content-Type"] == "application/x-protobuf"
        request = service.ExportLogsServiceRequest()
        request.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
        for resource in request.resource_logs:
            names = {attribute.key for attribute in resource.resource.attributes}
            assert names == {"service.name", "service.instance.id"}, names
            for scope in resource.scope_logs:
                assert scope.scope.name == "strongroom.audit"
                for record in scope.log_records:
                    assert record.event_name.startswith("strongroom.audit.") and record.time_unix_nano
                    print(record.body.string_value, flush=True)
        answer = service.ExportLogsServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
