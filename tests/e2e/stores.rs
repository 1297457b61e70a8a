//! Secret stores, of which there is one: the API's part about several is off.

use strongroom_tests::Server;

// F-233.
#[test]
fn there_are_no_several_stores() {
    let server = Server::start();
    let client = server.client("demo");
    let nobody = client.header("X-Roles", "none");
    for path in ["/v1/secret-stores", "/v1/secret-stores/global-default", "/v1/secret-stores/preferred/"] {
        assert_eq!(client.get(path).error(404), "There is no such secret store.", "{path}");
        nobody.get(path).error(403);
        for method in ["POST", "PUT", "DELETE", "HEAD"] {
            let reply = client.send(method, path, b"");
            assert_eq!((reply.status, reply.header("allow")), (405, Some("GET")), "{method} {path}");
        }
    }
    for path in ["/v1/secret-stores/x", "/v1/secret-stores/x/preferred", "/v1/secret-stores/x/y/z"] {
        for method in ["GET", "POST", "DELETE", "PUT"] {
            for client in [&client, &nobody] {
                let told = client.send(method, path, b"").error(404);
                assert_eq!(told, "There is no such secret store.", "{method} {path}");
            }
        }
    }
}

// 16: certificate authorities are gone.
#[test]
fn there_are_no_certificate_authorities() {
    let server = Server::start();
    let client = server.client("demo");
    for path in ["/v1/cas", "/v1/cas/x", "/v1/cas/global-preferred"] {
        assert_eq!(client.get(path).error(404), "", "{path}");
    }
}
