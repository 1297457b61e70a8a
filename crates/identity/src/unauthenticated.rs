use async_trait::async_trait;
use strongroom_core::access::IdentitySource;
use strongroom_core::ports::{Authenticator, Credentials, IdentityError};
use strongroom_core::{Caller, ProjectId, Roles, UserId};

/// The roles of a caller who names none. The identity service gives an administrator the roles that admin
/// implies, member and reader; nobody does so here, so they are all named.
const DEFAULT_ROLES: [&str; 3] = ["admin", "member", "reader"];

/// What keystoneauth's `none` plug-in, and with it the `openstack` command, sends in place of a token.
const NO_TOKEN: &str = "notused";
/// The project of a caller who can't name one.
const DEMO_PROJECT: &str = "demo";

/// Believes the headers of the unauthenticated-context mode (spec section 12.1): `X-Project-Id`, which is
/// required, `X-User-Id` and `X-Roles`. One client can't send it: the `openstack` command with
/// `--os-auth-type none`, known by the fixed text it sends as a token, acts in the project `demo`. Access rules apply as ever. Callers from anywhere but the loopback
/// interface are refused, whatever they send.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnauthenticatedContext;

#[async_trait]
impl Authenticator for UnauthenticatedContext {
    async fn authenticate(&self, credentials: &dyn Credentials) -> Result<Caller, IdentityError> {
        if !credentials.source().is_some_and(|address| address.to_canonical().is_loopback()) {
            return Err(IdentityError::Unauthenticated);
        }
        let filled = |name| Ok(credentials.attribute(name)?.filter(|text| !text.is_empty()));
        let project = match filled("x-project-id")? {
            Some(named) => named,
            None if credentials.attribute("x-auth-token")? == Some(NO_TOKEN) => DEMO_PROJECT,
            None => return Err(IdentityError::Malformed("The X-Project-Id header is required.")),
        };
        let project = ProjectId::new(project)
            .map_err(|_| IdentityError::Malformed("The X-Project-Id header is not a project id."))?;
        let user = filled("x-user-id")?
            .map(UserId::new)
            .transpose()
            .map_err(|_| IdentityError::Malformed("The X-User-Id header is not a user id."))?;
        let named = Roles::new(credentials.attribute("x-roles")?.unwrap_or_default().split(','));
        let roles = if named.names().is_empty() { Roles::new(DEFAULT_ROLES) } else { named };
        Ok(Caller { user, project: Some(project), roles, source: IdentitySource::Unauthenticated })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use super::*;

    struct Request {
        headers: HashMap<&'static str, &'static str>,
        source: Option<IpAddr>,
    }

    impl Credentials for Request {
        fn attribute(&self, name: &str) -> Result<Option<&str>, IdentityError> {
            Ok(self.headers.get(name).copied())
        }

        fn source(&self) -> Option<IpAddr> {
            self.source
        }
    }

    async fn ask(headers: &[(&'static str, &'static str)], source: IpAddr) -> Result<Caller, IdentityError> {
        let headers = headers.iter().copied().collect();
        UnauthenticatedContext.authenticate(&Request { headers, source: Some(source) }).await
    }

    const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn headers_name_the_caller() {
        let headers = [("x-project-id", "p"), ("x-user-id", "u"), ("x-roles", " Creator, ,OBSERVER ")];
        let caller = ask(&headers, LOCAL).await.unwrap();
        assert_eq!(caller.project.unwrap().as_str(), "p");
        assert_eq!(caller.user.unwrap().as_str(), "u");
        assert_eq!(caller.roles.names(), ["creator", "observer"]);
    }

    #[tokio::test]
    async fn without_roles_the_caller_is_an_administrator_with_what_that_implies() {
        let caller = ask(&[("x-project-id", "p"), ("x-roles", "")], LOCAL).await.unwrap();
        assert_eq!(caller.roles.names(), ["admin", "member", "reader"]);
        assert_eq!(caller.user, None);
    }

    #[tokio::test]
    async fn the_project_is_required() {
        for headers in [&[][..], &[("x-project-id", "")]] {
            assert!(matches!(ask(headers, LOCAL).await, Err(IdentityError::Malformed(_))));
        }
    }

    #[tokio::test]
    async fn the_openstack_command_without_authentication_has_a_project() {
        let caller = ask(&[("x-auth-token", "notused")], LOCAL).await.unwrap();
        assert_eq!(caller.project.unwrap().as_str(), "demo");
        let named = ask(&[("x-auth-token", "notused"), ("x-project-id", "p")], LOCAL).await.unwrap();
        assert_eq!(named.project.unwrap().as_str(), "p");
        assert!(ask(&[("x-auth-token", "gAAAA")], LOCAL).await.is_err());
    }

    #[tokio::test]
    async fn only_loopback_is_believed() {
        let headers = [("x-project-id", "p")];
        assert!(ask(&headers, IpAddr::V6(Ipv6Addr::LOCALHOST)).await.is_ok());
        assert!(ask(&headers, "::ffff:127.0.0.1".parse().unwrap()).await.is_ok());
        for far in ["10.0.0.1", "192.0.2.1", "2001:db8::1"] {
            assert_eq!(ask(&headers, far.parse().unwrap()).await, Err(IdentityError::Unauthenticated));
        }
        let nowhere = Request { headers: headers.into_iter().collect(), source: None };
        assert!(UnauthenticatedContext.authenticate(&nowhere).await.is_err());
    }
}
