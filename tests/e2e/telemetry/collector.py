"""Takes OpenTelemetry metrics and traces over HTTP; prints its port, then each metric and each span as JSON on a line."""

import http.server
import json

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        assert self.headers["Content-Type"] == "application/x-protobuf", self.headers
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/metrics":
            request, answer = metrics.ExportMetricsServiceRequest(), metrics.ExportMetricsServiceResponse()
            request.ParseFromString(body)
            for resource in request.resource_metrics:
                for scope in resource.scope_metrics:
                    self.show("metric", resource, scope, scope.metrics)
        else:
            assert self.path == "/v1/traces", self.path
            request, answer = traces.ExportTraceServiceRequest(), traces.ExportTraceServiceResponse()
            request.ParseFromString(body)
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    self.show("span", resource, scope, scope.spans)
        answer = answer.SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def show(self, kind, resource, scope, items):
        names = {attribute.key: attribute.value.string_value for attribute in resource.resource.attributes}
        assert names["service.name"] == "strongroom" and names["service.instance.id"], names
        assert scope.scope.name == "strongroom", scope.scope.name
        for item in items:
            print(json.dumps({kind: MessageToDict(item)}), flush=True)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
