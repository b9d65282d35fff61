use std::sync::{Arc, LazyLock};

use scim_core::schema::Uniqueness;
use scim_core::{Registry, Relation, ResourceType, Schema};

/// The schemas and resource types of a bridge: those of RFC 7643, but groups hold people only, as 1Password has no
/// groups in groups.
pub fn registry() -> Arc<Registry> {
    static REGISTRY: LazyLock<Arc<Registry>> = LazyLock::new(|| Arc::new(build()));
    Arc::clone(&REGISTRY)
}

#[expect(clippy::expect_used, reason = "built from constants; `the_registry_is_legal` builds it")]
fn build() -> Registry {
    let (user, enterprise, group) = (Schema::user(), Schema::enterprise_user(), group());
    let users = ResourceType::new("User", user.id().clone())
        .with_description("A person in the 1Password account")
        .with_extension(enterprise.id().clone(), false);
    let groups = ResourceType::new("Group", group.id().clone())
        .with_description("A managed group of the 1Password account")
        .with_relation(Relation {
            attribute: "members".into(),
            targets: vec!["User".into()],
            inverse: Some("groups".into()),
        });
    Registry::new([user, enterprise, group], [users, groups]).expect("users and groups fit together")
}

/// Groups as RFC 7643 has them, but no two have one name: the account refuses that.
#[expect(clippy::expect_used, reason = "built from constants; `the_registry_is_legal` builds it")]
fn group() -> Arc<Schema> {
    let group = Schema::group();
    let attributes = group.attributes().iter().cloned().map(|attribute| match attribute.name() {
        "displayName" => attribute.with_uniqueness(Uniqueness::Server),
        _ => attribute,
    });
    let (id, name, description) = (group.id().clone(), group.name(), group.description());
    Arc::new(Schema::new(id, name, description, attributes).expect("one attribute has been changed"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_registry_is_legal() {
        assert_eq!(super::registry().types().len(), 2);
    }
}
