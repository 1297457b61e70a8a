//! What belongs to a secret besides its payload, packed up while the secret is deleted. Nobody asks about any of it
//! meanwhile, so it is one text.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use strongroom_core::acl::Acl;
use strongroom_core::consumer::{Consumer, SecretUse, Use};
use strongroom_core::container::Member;
use strongroom_core::review::Day;
use strongroom_core::secret::{MetadataKey, MetadataValue, Paging, UserMetadata};
use strongroom_core::{ContainerId, Object, SecretId};

use super::{
    acls, consumers, container_members, containers, endings, last_reads, unread_certificates, user_metadata,
};
use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::container_members as member_rows;

#[derive(Serialize, Deserialize)]
pub(crate) struct Belongings {
    metadata: Vec<(String, String)>,
    acl: Option<PackedAcl>,
    memberships: Vec<Membership>,
    consumers: Vec<PackedConsumer>,
    last_read: Option<i64>,
    ending: Option<endings::Stored>,
    /// Whether it may hold a certificate that was not read yet.
    unread_certificate: bool,
}

#[derive(Serialize, Deserialize)]
struct PackedAcl {
    users: Vec<String>,
    project_access: bool,
    created: i64,
    updated: i64,
}

/// A place in a container.
#[derive(Serialize, Deserialize)]
struct Membership {
    container: String,
    name: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct PackedConsumer {
    id: String,
    project: String,
    service: String,
    resource_type: String,
    resource_id: String,
    created: i64,
    updated: i64,
}

const COLUMN: &str = "deleted_secrets.belongings";

impl Belongings {
    /// Takes everything that belongs to a secret out of its tables.
    pub(crate) fn take(connection: &mut Connection, id: SecretId) -> Result<Self, Fault> {
        const ALL: Paging = Paging { limit: u32::MAX, offset: 0 };
        let object = Object::Secret(id);
        let metadata = user_metadata::of_secret(connection, id)?;
        let acl = acls::find(connection, object)?;
        let consumers = consumers::page(connection, object, ALL)?.items;
        let taken = Self {
            metadata: metadata
                .into_iter()
                .map(|(key, value)| (key.as_str().to_owned(), value.as_str().to_owned()))
                .collect(),
            acl: acl.map(PackedAcl::from),
            memberships: memberships(connection, id)?,
            consumers: consumers.iter().filter_map(packed).collect(),
            last_read: last_reads::find(connection, id)?.map(|day| day.0),
            ending: endings::take(connection, id)?,
            unread_certificate: unread_certificates::take(connection, id)?,
        };
        user_metadata::delete_all(connection, id)?;
        acls::delete(connection, object)?;
        container_members::forget(connection, id)?;
        consumers::delete_all(connection, object)?;
        last_reads::delete(connection, id)?;
        Ok(taken)
    }

    /// Puts everything back that has a place still.
    pub(crate) fn put_back(self, connection: &mut Connection, id: SecretId) -> Result<(), Fault> {
        let object = Object::Secret(id);
        for (key, value) in self.metadata()? {
            user_metadata::put(connection, id, &key, &value)?;
        }
        if let Some(acl) = self.acl {
            acls::put(connection, object, &acl.unpacked()?)?;
        }
        for Membership { container, name } in self.memberships {
            let container = ContainerId::parse(&container).map_err(|_| Fault::corrupt(COLUMN))?;
            if containers::is_there(connection, container)? {
                let member = Member { name: column::label(name, COLUMN)?, secret: id };
                container_members::insert(connection, container, &member)?;
            }
        }
        for consumer in self.consumers {
            consumers::insert(connection, object, &consumer.unpacked()?)?;
        }
        if let Some(ending) = &self.ending {
            endings::put_back(connection, id, ending)?;
        }
        if self.unread_certificate {
            unread_certificates::add(connection, id)?;
        }
        self.last_read.map_or(Ok(()), |day| last_reads::note(connection, id, Day(day)))
    }

    /// As the column holds it.
    pub(crate) fn to_text(&self) -> Result<String, Fault> {
        serde_json::to_string(self).map_err(|_| Fault::corrupt(COLUMN))
    }

    /// From what the column holds.
    pub(crate) fn from_text(text: &str) -> Result<Self, Fault> {
        serde_json::from_str(text).map_err(|_| Fault::corrupt(COLUMN))
    }

    fn metadata(&self) -> Result<UserMetadata, Fault> {
        let pair = |(key, value): &(String, String)| {
            Some((MetadataKey::new(key).ok()?, MetadataValue::new(value.clone()).ok()?))
        };
        self.metadata.iter().map(pair).collect::<Option<_>>().ok_or(Fault::corrupt(COLUMN))
    }
}

impl From<Acl> for PackedAcl {
    fn from(acl: Acl) -> Self {
        Self {
            users: acl.users.iter().map(|user| user.as_str().to_owned()).collect(),
            project_access: acl.project_access,
            created: acl.created.as_micros(),
            updated: acl.updated.as_micros(),
        }
    }
}

impl PackedAcl {
    fn unpacked(self) -> Result<Acl, Fault> {
        let users = self.users.into_iter().map(|user| column::opaque(user, COLUMN));
        Ok(Acl {
            users: users.collect::<Result<_, _>>()?,
            project_access: self.project_access,
            created: column::time(self.created, COLUMN)?,
            updated: column::time(self.updated, COLUMN)?,
        })
    }
}

/// A consumer of a secret; those of containers are none of a secret's.
fn packed(consumer: &Consumer) -> Option<PackedConsumer> {
    let Use::Secret(used_by) = &consumer.used_by else { return None };
    Some(PackedConsumer {
        id: consumer.id.to_string(),
        project: consumer.project.as_str().to_owned(),
        service: used_by.service().to_owned(),
        resource_type: used_by.resource_type().to_owned(),
        resource_id: used_by.resource_id().to_owned(),
        created: consumer.created.as_micros(),
        updated: consumer.updated.as_micros(),
    })
}

impl PackedConsumer {
    fn unpacked(self) -> Result<Consumer, Fault> {
        let used_by = SecretUse::new(&self.service, &self.resource_type, &self.resource_id);
        Ok(Consumer {
            id: strongroom_core::ConsumerId::parse(&self.id).map_err(|_| Fault::corrupt(COLUMN))?,
            project: column::opaque(self.project, COLUMN)?,
            used_by: Use::Secret(used_by.map_err(|_| Fault::corrupt(COLUMN))?),
            created: column::time(self.created, COLUMN)?,
            updated: column::time(self.updated, COLUMN)?,
        })
    }
}

/// Where a secret is a member, in the order in which it was put in.
fn memberships(connection: &mut Connection, id: SecretId) -> Result<Vec<Membership>, Fault> {
    let rows: Vec<(Vec<u8>, String)> = member_rows::table
        .filter(member_rows::secret.eq(id.as_bytes().as_slice()))
        .order(member_rows::position)
        .select((member_rows::container, member_rows::name))
        .load(connection)?;
    rows.into_iter()
        .map(|(container, name)| {
            let container: ContainerId = column::id(&container, "container_members.container")?;
            Ok(Membership {
                container: container.to_string(),
                name: Some(name).filter(|name| !name.is_empty()),
            })
        })
        .collect()
}
